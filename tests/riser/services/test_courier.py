"""Values go into messages and come out as they were, with references in the places of what stays where it is."""

import contextlib
import gc
import pickle
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riser.services.courier import (
    PLAIN_LENGTH,
    Courier,
    Packed,
    are_plain,
    foreign,
    home,
    is_plain,
    kept,
    lent,
)
from riser.services.errors import MessageTooLargeError
from riser.services.frames import REFERENCES, Kind, Wire
from riser.services.proxy import ForeignPlace

from .pairs import PAIRS, PATIENCE_SECONDS, unix

LIMIT = 1_000_000
PLACE = ForeignPlace(b"pool", 1, b"incarnation", 9)


class Stays:
    """What is referred to: the courier says how."""

    def __init__(self, *how: Any) -> None:
        self.how = how


class Post(Courier):
    """Notes what it meets."""

    def __init__(self, wire: Wire) -> None:
        super().__init__(wire)
        self.revoked = 0

    def refer(self, thing: Any) -> Any:
        if isinstance(thing, Stays):
            function, *arguments = thing.how
            return function, tuple(arguments)
        return NotImplemented

    def meet_kept(self, target: int, shape_id: int, shape: tuple[Any, ...] | None) -> object:
        return "kept", target, shape_id, shape

    def meet_lent(self, target: int, shape: tuple[Any, ...] | None) -> object:
        return "lent", target, shape

    def meet_home(self, target: int) -> object:
        return "home", target

    def meet_foreign(self, place: ForeignPlace, shape: tuple[Any, ...]) -> object:
        return "foreign", place, shape

    def revoke(self) -> None:
        self.revoked += 1


Posts = tuple[Post, Post]


@contextlib.contextmanager
def over(kind: str) -> Iterator[Posts]:
    with PAIRS[kind]() as (ours, theirs):
        yield Post(Wire(ours, limit=LIMIT)), Post(Wire(theirs, limit=LIMIT))


@pytest.fixture(params=list(PAIRS))
def posts(request: pytest.FixtureRequest) -> Iterator[Posts]:
    with over(request.param) as posts:
        yield posts


def carry(posts: Posts, value: object) -> Any:
    """The value, at the other end."""
    ours, theirs = posts
    packed = ours.pack(value)
    # No socket holds a large message as a whole.
    with ThreadPoolExecutor(1) as threads:
        sending = threads.submit(ours.send, Kind.RETURN, packed)
        assert theirs.wire.receive() is Kind.RETURN
        loaded = theirs.load()
        sending.result(PATIENCE_SECONDS)
    return loaded


# By value


@settings(max_examples=60)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.binary() | st.floats(allow_nan=False),
        lambda parts: st.lists(parts, max_size=4) | st.dictionaries(st.text(max_size=5), parts, max_size=4),
        max_leaves=10,
    )
)
def test_plain_data_arrives_as_it_was(value: object) -> None:
    with over("unix") as posts:
        assert carry(posts, value) == value
        assert carry(posts, [value, 1]) == [value, 1]


@pytest.mark.parametrize("size", [0, 1, PLAIN_LENGTH, 70_000, 900_000])
@pytest.mark.parametrize("kind", [bytes, bytearray, lambda data: pickle.PickleBuffer(bytearray(data))])
def test_memory_of_any_size_arrives_as_it_was(posts: Posts, kind: Any, size: int) -> None:
    data = bytes(range(256)) * (size // 256) + bytes(size % 256)
    assert bytes(carry(posts, [kind(data), "after"])[0]) == data


def test_what_could_be_written_to_can_be_there_too_and_nothing_else(posts: Posts) -> None:
    memory = bytearray(b"x" * 100_000)
    got = carry(posts, [pickle.PickleBuffer(memory), pickle.PickleBuffer(bytes(memory))])
    got[0][:1] = b"y"
    assert (bytes(got[0][:2]), type(got[1])) == (b"yx", bytes)
    assert memory[:1] == b"x"


def test_a_message_in_a_message_is_bytes_alone() -> None:
    with over("unix") as (ours, theirs):
        flags, frozen = ours.freeze([pickle.PickleBuffer(bytearray(100_000)), Stays(home, 7)])
        assert flags == REFERENCES
        assert theirs.thaw(frozen)[1] == ("home", 7)


# By reference


@pytest.mark.parametrize(
    ("stays", "met"),
    [
        (Stays(kept, 7, 3), ("kept", 7, 3, None)),
        (Stays(kept, 7, 3, ("shape",)), ("kept", 7, 3, ("shape",))),
        (Stays(lent, 4), ("lent", 4, None)),
        (Stays(lent, 4, ("shape",)), ("lent", 4, ("shape",))),
        (Stays(home, 5), ("home", 5)),
        (Stays(foreign, tuple(PLACE), ("shape",)), ("foreign", PLACE, ("shape",))),
    ],
    ids=["kept", "kept with its shape", "lent", "lent with its shape", "home", "foreign"],
)
def test_a_reference_is_met_at_the_other_end(posts: Posts, stays: Stays, met: object) -> None:
    assert carry(posts, {"deep": [1, stays]}) == {"deep": [1, met]}


def test_a_message_says_whether_there_are_references_in_it() -> None:
    with over("unix") as (ours, _):
        assert [ours.pack(value).flags for value in ([1], [Stays(home, 1)], [1])] == [0, REFERENCES, 0]


def test_a_reference_has_no_meaning_outside_of_a_call() -> None:
    with over("unix") as (ours, theirs):
        _, frozen = ours.freeze(Stays(home, 1))
        assert theirs.thaw(frozen) == ("home", 1)
        with pytest.raises(pickle.UnpicklingError, match="outside of a call"):
            pickle.loads(frozen)


class Letter:
    """Loads what is in it by another courier, as a value may that makes a call while it is unpickled."""

    other: Post

    def __init__(self, frozen: bytes) -> None:
        self.frozen = frozen

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.read = self.other.thaw(state["frozen"])


class Elsewhere(Post):
    def meet_home(self, target: int) -> object:
        return "home elsewhere", target


def test_each_reference_is_met_by_the_courier_that_loads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with over("unix") as posts, unix() as (sock, _):
        _, frozen = posts[0].freeze(Stays(home, 2))
        monkeypatch.setattr(Letter, "other", Elsewhere(Wire(sock, limit=LIMIT)), raising=False)
        first, letter, last = carry(posts, [Stays(home, 1), Letter(frozen), Stays(home, 3)])
        assert (first, letter.read, last) == (("home", 1), ("home elsewhere", 2), ("home", 3))


# What goes wrong


@pytest.mark.parametrize(
    "value", [bytes(LIMIT + 1), [bytearray(LIMIT)] * 2, [pickle.PickleBuffer(bytearray(LIMIT))], ["x" * LIMIT, 1]]
)
def test_what_is_too_large_is_refused_where_it_is_made_and_its_references_are_taken_back(value: object) -> None:
    with over("unix") as posts:
        with pytest.raises(MessageTooLargeError) as caught:
            posts[0].pack(value)
        assert caught.value.size_bytes > caught.value.limit_bytes == LIMIT
        assert posts[0].revoked == 1
        assert carry(posts, "small") == "small"


def test_what_does_not_pickle_is_refused_and_leaves_nothing_behind(posts: Posts) -> None:
    value = [Stays(home, 1), bytearray(100_000), pickle.PickleBuffer(bytearray(100_000)), lambda: None]
    with pytest.raises((pickle.PicklingError, AttributeError)):
        posts[0].pack(value)
    assert posts[0].revoked == 1
    assert posts[0].pack([1]).flags == 0
    assert carry(posts, [1, "next"]) == [1, "next"]


class Curious:
    """Packs something else while it is pickled, as a class may whose `__reduce__` makes a call."""

    post: Post

    def __reduce__(self) -> tuple[Any, ...]:
        return str, (str(self.post.pack(["inner", bytearray(70_000)]).flags),)


def test_a_value_may_have_another_packed_while_it_is_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    with over("unix") as posts:
        monkeypatch.setattr(Curious, "post", posts[0], raising=False)
        assert carry(posts, [Stays(home, 1), Curious(), bytearray(b"last")]) == [("home", 1), "0", b"last"]


def test_nothing_that_was_sent_is_kept_alive() -> None:
    class Fleeting(Stays):
        pass

    with over("unix") as posts:
        things = [Fleeting(home, number) for number in range(3)]
        seen = weakref.WeakSet(things)
        assert carry(posts, things) == [("home", number) for number in range(3)]
        del things
        gc.collect()
        assert not seen


# What needs no courier


PLAIN: list[object] = [1, 1.5, True, None, "", b"", "x" * PLAIN_LENGTH, bytes(PLAIN_LENGTH)]
NOT_PLAIN: list[object] = [
    *("x" * (PLAIN_LENGTH + 1), bytes(PLAIN_LENGTH + 1), [], (), 1j, bytearray()),
    *(type("Name", (str,), {})("x"), type("Number", (int,), {})(1)),
]


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        *((value, True) for value in PLAIN),
        *((value, False) for value in NOT_PLAIN),
    ],
)
def test_only_what_is_small_and_simple_needs_no_courier(value: object, *, plain: bool) -> None:
    assert is_plain(value) is plain
    assert are_plain([1, value]) is plain


def test_a_small_message_is_one_part() -> None:
    with over("unix") as (ours, _):
        packed = ours.pack([1, "two"])
        assert packed == Packed(0, (pickle.dumps([1, "two"], 5),))
