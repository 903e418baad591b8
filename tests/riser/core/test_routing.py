"""Calls find their process: any spreads, single stays, sticky agrees everywhere and for ever."""

import enum
import subprocess
import sys
import uuid
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riser.core.routing import AnyProcess, SingleProcess, StickyProcess, slot_of, sticky_digest, takes_key

plain_keys = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.uuids(),
    lambda parts: st.tuples(parts) | st.tuples(parts, parts) | st.frozensets(parts, max_size=3),
    max_leaves=6,
)


class Shade(enum.StrEnum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


class Side(enum.Enum):
    LEFT = 1
    RIGHT = 2


def never() -> float:
    raise AssertionError("no random number is needed")


def test_any_reaches_every_process_and_never_another() -> None:
    random = Random(1).random
    assert {slot_of(AnyProcess(), None, processes=5, random=random) for _ in range(500)} == {0, 1, 2, 3, 4}
    assert slot_of(AnyProcess(), None, processes=5, random=lambda: 1 - 2**-53) == 4


def test_single_services_spread_over_the_pool_in_order() -> None:
    assert [slot_of(SingleProcess(index), None, processes=3, random=never) for index in range(5)] == [0, 1, 2, 0, 1]


def test_sticky_keys_reach_all_processes() -> None:
    slots = [slot_of(StickyProcess("store"), f"user-{n}", processes=4, random=never) for n in range(200)]
    assert {slots.count(slot) > 25 for slot in range(4)} == {True}


def test_the_place_of_a_key_is_written_in_stone() -> None:
    assert sticky_digest("store", "alice") == 0x1D8D3C51C63731B2
    assert sticky_digest("store", ("alice", 7, None, b"x", 2.5)) == 0x5623CD83BE75ADBD


def test_another_interpreter_with_another_hash_seed_agrees() -> None:
    program = "from riser.core.routing import sticky_digest; print(sticky_digest('store', ('alice', frozenset('abc'))))"
    answers = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            check=True,
            capture_output=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2")
    }
    assert answers == {f"{sticky_digest('store', ('alice', frozenset('abc')))}\n".encode()}


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, True), (1, 1.0), (0, -0.0), ("red", Shade.RED), (1, Level.LOW), (frozenset("ab"), frozenset("ba"))],
)
def test_equal_keys_have_one_place(one: object, other: object) -> None:
    assert sticky_digest("store", one) == sticky_digest("store", other)


@given(plain_keys, plain_keys)
def test_different_keys_have_different_digests(one: object, other: object) -> None:
    assert (sticky_digest("store", one) == sticky_digest("store", other)) == (one == other or repr(one) == repr(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("ab", "c"), ("a", "bc")),
        ("1", 1),
        ("a", b"a"),
        (Side.LEFT, Side.RIGHT),
        (None, ()),
        (uuid.UUID(int=1), uuid.UUID(int=1).bytes),
        (10**30, 10**30 + 1),
        ("\udc80", "\udc81"),
    ],
)
def test_neighbours_are_told_apart(one: object, other: object) -> None:
    assert sticky_digest("store", one) != sticky_digest("store", other)


def test_a_key_has_another_digest_under_another_service() -> None:
    assert sticky_digest("store", "alice") != sticky_digest("count", "alice")


@pytest.mark.parametrize("key", [object(), [1], {"a": 1}, Fraction(1, 3), ("alice", [1])])
def test_a_key_that_is_not_the_same_in_every_process_is_refused(key: object) -> None:
    with pytest.raises(TypeError, match="a sticky key is text, bytes"):
        slot_of(StickyProcess("store"), key, processes=4, random=never)


def test_only_sticky_calls_begin_with_a_key() -> None:
    assert [takes_key(route) for route in (AnyProcess(), SingleProcess(0), StickyProcess("store"))] == [
        False,
        False,
        True,
    ]
