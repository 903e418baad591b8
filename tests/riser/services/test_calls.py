"""What calls carry, there and back: values, exceptions, blocks, references, `with` and generators.

All of it holds for a pool and, with `strict`, within one process.
"""

import gc
import os
import pickle
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from riser.services.errors import (
    MessageTooLargeError,
    RemoteError,
    RemoteTraceback,
    ServiceTimeout,
    StaleReference,
    StopBlock,
)
from riser.services.limits import time_limit
from riser.services.proxy import Proxy
from riser.services.services import Services
from riser.services.travel import by_reference, byref

from .conftest import MAY_FORK_WITH_THREADS, Odd, eventually, make_services

DOES_NOT_PICKLE = (AttributeError, pickle.PicklingError)
"""What pickle raises for a function without a name of its own differs from version to version."""

pytestmark = MAY_FORK_WITH_THREADS


@pytest.fixture
def workshop(served: Services) -> Any:
    return served.get_service("workshop")


def held(services: Services) -> int:
    """How many objects of the workshop's process are held."""
    count: int = services._backend._need_client().slots[0].call(0, "held_count", (), {})  # type: ignore[attr-defined]
    return count


def held_in_the_end(services: Services) -> int:
    """The same, when the service has heard of whatever was let go before this."""
    gc.collect()
    slot = services._backend._need_client().slots[0]  # type: ignore[attr-defined]
    eventually(lambda: held(services) == len(slot.current.targets()), "nothing is held but what is referred to")
    return held(services)


# Values


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -(2**70),
        2.5,
        "text \udc80",
        b"\0\xff",
        "x" * 9000,
        b"y" * 100_000,
        bytearray(b"z" * 50_000),
        [1, (2, {"three": {4}})],
        {"a": [None] * 10_000},
        Path("/etc"),
        slice(1, 2),
        int,
        Odd,
        [os.getcwd, len],
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_come_back_equal_and_of_their_type(workshop: Any, value: Any) -> None:
    answer = workshop.echo(value)
    assert answer == value
    assert type(answer) is type(value)


def test_arguments_are_passed_by_place_and_by_name(workshop: Any) -> None:
    assert workshop.both(1, [2], three=3, self=4) == ((1, [2]), {"three": 3, "self": 4})


def test_a_value_is_a_copy(workshop: Any) -> None:
    value = [1]
    answer = workshop.echo(value)
    answer.append(2)
    assert value == [1]


def test_objects_that_occur_twice_are_one_object_there_too(workshop: Any) -> None:
    value = [1]
    first, second = workshop.echo([value, value])
    assert first is second


@pytest.mark.parametrize("size", [(1 << 20) - 3, 64 << 20])
def test_large_values_pass_unharmed(workshop: Any, size: int) -> None:
    value = os.urandom(1024) * (size // 1024) + b"end"
    assert workshop.echo(value) == value
    assert workshop.echo([value[:100], bytearray(value), "end"]) == [value[:100], bytearray(value), "end"]


def test_buffers_that_can_be_written_to_arrive_as_such(workshop: Any) -> None:
    writable, fixed = workshop.echo([pickle.PickleBuffer(bytearray(b"a" * 40_000)), pickle.PickleBuffer(b"b")])
    assert (type(writable), bytes(writable)) == (bytearray, b"a" * 40_000)
    assert fixed == b"b"


def test_what_does_not_pickle_is_an_error_here_and_the_next_call_works(workshop: Any) -> None:
    with pytest.raises(DOES_NOT_PICKLE):
        workshop.echo([lambda: None])
    with pytest.raises(DOES_NOT_PICKLE):
        workshop.unpicklable()
    assert workshop.echo(1) == 1


def test_a_coroutine_is_refused(workshop: Any) -> None:
    with pytest.raises(TypeError, match="a coroutine cannot be returned from a service"):
        workshop.later()


@MAY_FORK_WITH_THREADS
@pytest.mark.parametrize("strict", [True, False])
def test_a_message_beyond_the_limit_is_refused_where_it_is_made(*, strict: bool) -> None:
    settings = {"strict": strict, "message_limit_bytes": 100_000}
    with make_services(0 if strict else 1, **settings) as services:
        workshop = services.get_service("workshop")
        with pytest.raises(MessageTooLargeError, match=r"a message of 100,\d+ bytes exceeds the limit of 100,000"):
            workshop.echo(b"x" * 100_000)
        with pytest.raises(MessageTooLargeError, match="a message of 1,000,0"):
            workshop.repeat(1, lambda _: b"x" * 1_000_000)
        with pytest.raises(MessageTooLargeError, match="a message of 900,"):
            workshop.both(*[bytearray(90_000) for _ in range(10)])
        assert workshop.echo(b"x" * 90_000) == b"x" * 90_000


# Exceptions


@pytest.mark.parametrize(
    "error", [ValueError("no", 2), KeyError("k"), OSError(2, "gone", "/x"), ConnectionError("mine"), TimeoutError()]
)
def test_an_exception_keeps_its_type_and_arguments(workshop: Any, error: Exception) -> None:
    with pytest.raises(type(error)) as raised:
        workshop.fail(error)
    assert raised.value.args == error.args
    assert str(raised.value) == str(error)
    assert workshop.echo(1) == 1


def test_an_exception_carries_the_remote_traceback(workshop: Any) -> None:
    with pytest.raises(ValueError, match="outer") as raised:
        workshop.fail_from(KeyError("inner"))
    cause = raised.value.__cause__
    assert isinstance(cause, RemoteTraceback)
    assert "in fail_from" in str(cause)
    assert "KeyError: 'inner'" in str(cause)
    assert "riser/services/session.py" not in str(cause)


def test_an_exception_that_cannot_make_itself_again_arrives_all_the_same(workshop: Any) -> None:
    with pytest.raises(Odd, match="odd 3") as raised:
        workshop.fail_oddly()
    assert raised.value.count == 3


def test_an_exception_that_cannot_travel_is_told_of(workshop: Any) -> None:
    with pytest.raises(RemoteError, match="Local: cannot travel") as raised:
        workshop.fail_unpicklably()
    assert raised.value.kind.endswith("Workshop.fail_unpicklably.<locals>.Local")
    assert "in fail_unpicklably" in str(raised.value.__cause__)


def test_a_service_cannot_end_its_caller(workshop: Any) -> None:
    with pytest.raises(RemoteError, match="SystemExit: 3"):
        workshop.exit()
    assert workshop.echo(1) == 1


def test_what_begins_with_an_underscore_is_refused(served: Services, workshop: Any) -> None:
    with pytest.raises(AttributeError):
        workshop._secret  # noqa: B018 - the access is the test
    slot = served._backend._need_client().slots[0]  # type: ignore[attr-defined]
    for name in ("_secret", "__dict__", "__class__", "__reduce_ex__", "._secret", ".__dict__"):
        with pytest.raises(AttributeError):
            slot.call(1, name, (), {})


def test_what_the_object_does_not_have_is_missing_before_anything_is_sent(workshop: Any) -> None:
    assert not hasattr(workshop, "nothing")
    with pytest.raises(AttributeError, match="nothing"):
        workshop.nothing()
    with pytest.raises(AttributeError):
        workshop.name = "x"
    with pytest.raises(TypeError):
        workshop()


# Blocks


def test_a_block_runs_in_the_thread_that_calls_and_touches_its_objects(workshop: Any) -> None:
    seen: list[tuple[int, int, int]] = []
    workshop.repeat(3, lambda number: seen.append((number, os.getpid(), threading.get_ident())))
    assert seen == [(number, os.getpid(), threading.get_ident()) for number in range(3)]


class Doubler:
    def __call__(self, number: int) -> int:
        return 2 * number

    def method(self, number: int) -> int:
        return 2 * number


def double(number: int) -> int:
    assert os.getpid() == HERE
    return 2 * number


HERE = os.getpid()


@pytest.mark.parametrize(
    "block",
    [double, lambda number: 2 * number, Doubler(), Doubler().method, partial(pow, 2), [7, 8, 9].__getitem__],
    ids=["function", "lambda", "object", "method", "partial", "builtin"],
)
def test_every_callable_argument_is_a_block(workshop: Any, block: Callable[[int], int]) -> None:
    assert workshop.repeat(3, block) == [block(number) for number in range(3)]
    assert workshop.repeat(times=3, block=block) == [block(number) for number in range(3)]


def test_the_value_of_a_block_travels(workshop: Any) -> None:
    assert workshop.repeat(2, lambda number: {"number": [number] * 20_000})[1] == {"number": [1] * 20_000}


class Own(Exception):  # noqa: N818 - a name for tests
    pass


def test_an_exception_in_a_block_comes_back_as_the_same_object(workshop: Any) -> None:
    error = Own("mine", lambda: None)  # it does not even pickle

    def block(_number: int) -> None:
        raise error

    with pytest.raises(Own) as raised:
        workshop.repeat(3, block)
    assert raised.value is error
    assert workshop.echo(1) == 1


def test_a_service_can_catch_and_translate_what_a_block_raises(workshop: Any) -> None:
    def block() -> None:
        raise Own("mine")

    assert workshop.guarded(block) == "caught Own: mine"
    with pytest.raises(RuntimeError, match="translated") as raised:
        workshop.translated(block)
    assert "Own: mine" in str(raised.value.__cause__)


def test_stop_block_ends_the_call_with_a_value_that_does_not_travel(workshop: Any) -> None:
    value = object()
    seen: list[int] = []

    def block(number: int) -> None:
        seen.append(number)
        if number == 2:
            raise StopBlock(value)

    assert workshop.repeat(5, block) is value
    assert seen == [0, 1, 2]


def test_stop_block_is_not_caught_on_its_way_but_finally_is_done(workshop: Any) -> None:
    before = len(workshop.notes())

    def block() -> None:
        raise StopBlock(7)

    assert workshop.guarded(block) == 7
    assert len(workshop.notes()) == before + 1


def test_a_keyboard_interrupt_in_a_block_unwinds_the_service_and_goes_on_here(workshop: Any) -> None:
    def block() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        workshop.guarded(block)
    assert workshop.echo(1) == 1


def test_calls_in_a_block_run_in_the_thread_that_waits_for_the_block(workshop: Any) -> None:
    def again(depth: int) -> Any:
        return workshop.nested(depth - 1, again) if depth else "end"

    answer = workshop.nested(3, again)
    threads = set()
    while answer != "end":
        (_, thread), answer = answer
        threads.add(thread)
    assert len(threads) == 1


def test_a_stop_block_ends_the_innermost_call_only(workshop: Any) -> None:
    def outer(number: int) -> Any:
        def inner(other: int) -> None:
            raise StopBlock(("inner", number, other))

        return workshop.repeat(2, inner)

    assert workshop.repeat(2, outer) == [("inner", 0, 0), ("inner", 1, 0)]


def test_a_block_can_call_another_service(served: Services, workshop: Any) -> None:
    assert workshop.repeat(2, lambda number: served.get_service("other").echo(number)) == [0, 1]


def test_a_block_is_lent_for_the_call_only(workshop: Any) -> None:
    workshop.keep_block(lambda: "late")
    with pytest.raises(StaleReference, match="the call that lent it is over"):
        workshop.call_kept()


def test_a_block_that_is_returned_comes_home_as_itself(workshop: Any) -> None:
    def block() -> None:
        pass

    assert workshop.echo(block) is block
    assert workshop.echo(value=block) is block


def test_a_callable_deep_in_a_value_goes_by_reference_if_it_is_said_so(workshop: Any) -> None:
    def block() -> None:
        pass

    assert workshop.echo([byref(block)]) == [block]


# References: objects of the caller


@by_reference
class Collector:
    def __init__(self) -> None:
        self.items: list[int] = []

    def append(self, item: int) -> None:
        self.items.append(item)


def test_an_object_of_the_caller_is_used_where_it_is_and_comes_home_as_itself(workshop: Any) -> None:
    collector = Collector()
    assert workshop.fill(collector, 3) is collector
    assert collector.items == [0, 1, 2]


def test_a_generator_of_the_caller_is_read_from_afar(workshop: Any) -> None:
    assert workshop.total(number * number for number in range(5)) == 30


def test_a_context_manager_of_the_caller_is_entered_from_afar(workshop: Any) -> None:
    lock = threading.Lock()
    value, inside = workshop.inside(lock, lock.locked)
    assert (value, inside, lock.locked()) == (True, True, False)


# References: objects of the service


def test_an_object_of_the_service_stays_there(workshop: Any) -> None:
    thing = workshop.make("anna")
    assert issubclass(type(thing), Proxy)
    assert thing.where()[0] == workshop.pid()
    thing.rename("berta")
    assert thing.title == "Berta"
    assert len(thing) == 5
    assert "Thing" in repr(thing)
    assert "service process 0" in repr(thing)


def test_two_references_to_one_object_are_one_proxy(workshop: Any) -> None:
    thing, same = workshop.two()
    assert same == {"same": thing}
    assert thing.me() is thing
    assert {thing: 1}[thing.me()] == 1


def test_a_reference_that_comes_home_is_the_object_itself(workshop: Any) -> None:
    thing = workshop.keep("anna")
    assert workshop.holds(thing)
    assert not workshop.holds(workshop.make("anna"))
    assert workshop.last() == [thing]


def test_a_service_that_returns_itself_is_its_proxy(workshop: Any) -> None:
    assert workshop.whoami().pid() == workshop.pid()


def test_a_value_goes_by_reference_if_it_is_said_so(workshop: Any) -> None:
    shelf = workshop.shelf()
    shelf.append(4)
    assert (len(shelf), shelf[3], 4 in shelf, list(shelf)) == (4, 4, True, [1, 2, 3, 4])
    shelf += [5]
    assert shelf[-1] == 5


def test_a_reference_can_be_given_to_another_service(served: Services, workshop: Any) -> None:
    thing = workshop.make("anna")
    other = served.get_service("other")
    assert other.echo(thing) is thing
    assert other.repeat(1, lambda _: thing) == [thing]
    assert other.echo([thing, workshop])[1].pid() == workshop.pid()


def test_an_object_is_released_when_its_proxy_is_dropped(served: Services, workshop: Any) -> None:
    before = held_in_the_end(served)
    things = [workshop.make() for _ in range(50)]
    kept = workshop.keep("kept")
    assert held(served) == before + 51
    del things, kept
    gc.collect()
    eventually(lambda: held(served) == before, "released")
    assert workshop.ended()[-1]


def test_nothing_is_held_for_an_answer_that_does_not_arrive(served: Services, workshop: Any) -> None:
    before = held_in_the_end(served)
    with pytest.raises(DOES_NOT_PICKLE):
        workshop.spoiled()
    assert held(served) == before
    assert workshop.make().title == "Thing"


def test_a_proxy_is_not_copied_or_pickled(workshop: Any) -> None:
    import copy

    for use in (copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="can be sent to a service or returned by one"):
            use(workshop)


# With


def test_a_remote_with_is_entered_and_left_in_one_thread_and_calls_inside_share_it(workshop: Any) -> None:
    with workshop.transaction() as inside:
        inside.note("one")
        workshop.note("two")
        thread = workshop.nested(0, lambda _: None)[0][1]
    threads, left_with = workshop.book().history()
    assert set(threads[-4:]) == {thread}
    assert left_with[-1] == ""
    assert workshop.notes()[-2:] == ["one", "two"]


def test_what_is_raised_inside_reaches_the_remote_exit_and_then_the_caller_as_the_same_object(workshop: Any) -> None:
    error = Own("mine")
    before = workshop.notes()

    def in_a_transaction() -> None:
        with workshop.transaction() as inside:
            inside.note("undone")
            raise error

    with pytest.raises(Own) as raised:
        in_a_transaction()
    assert raised.value is error
    assert workshop.notes() == before
    assert workshop.book().history()[1][-1] == "Own: mine"


def test_a_remote_exit_can_keep_an_exception(workshop: Any) -> None:
    book = workshop.book()
    book.__enter__()
    assert book.__exit__(KeyError, KeyError("kept"), None) is True
    assert workshop.book().history()[1][-1] == "KeyError: 'kept'"


def test_withs_nest_in_one_thread(workshop: Any) -> None:
    with workshop.book() as outer, workshop.transaction() as inner:
        assert outer.all() == inner.notes()
        outer.add("in both")
    assert not workshop.locked()


def test_a_with_in_another_thread_waits_for_the_lock(workshop: Any) -> None:
    order: list[str] = []
    entered = threading.Event()

    def second() -> None:
        entered.wait(30)
        with workshop.transaction():
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with workshop.transaction():
        entered.set()
        assert workshop.repeat(1, lambda _: order.append("first")) == [None]
        # Another connection than that of the open `with` finds the lock taken.
        with ThreadPoolExecutor(1) as others:
            assert others.submit(workshop.locked).result(30)
    thread.join(30)
    assert order == ["first", "second"]


def test_a_with_that_fails_to_be_entered_leaves_nothing(workshop: Any) -> None:
    with pytest.raises(TypeError), workshop.mapped(1, 2):
        pass
    with pytest.raises(RuntimeError, match="not entered"):
        workshop.book().__exit__(None, None, None)
    assert workshop.echo(1) == 1


def test_what_is_lent_inside_a_with_is_lent_until_its_end(workshop: Any) -> None:
    with workshop.transaction():
        workshop.keep_block(lambda: "in time")
        assert workshop.call_kept() == "in time"
        workshop.keep_block(lambda: "late")
    with pytest.raises(StaleReference):
        workshop.call_kept()


# Generators


def test_a_generator_gives_its_values_one_by_one_in_one_thread(workshop: Any) -> None:
    values = list(workshop.count(5))
    assert [number for number, _ in values] == [0, 1, 2, 3, 4]
    assert len({thread for _, thread in values}) == 1


def test_a_generator_that_is_not_read_to_its_end_is_closed_in_its_own_thread(workshop: Any) -> None:
    before = len(workshop.closings())
    counter = workshop.count(5)
    thread = [next(counter)[1] for _ in range(3)][-1]
    del counter
    eventually(lambda: len(workshop.closings()) == before + 1, "closed")
    assert workshop.closings()[-1] == (thread, thread)


def test_generators_do_all_that_generators_do(workshop: Any) -> None:
    counter = workshop.count(3)
    assert next(counter)[0] == 0
    assert counter.send("hello")[0] == "hello"
    assert next(counter)[0] == 1
    with pytest.raises(Own, match="thrown"):
        counter.throw(Own("thrown"))
    with pytest.raises(StopIteration):
        next(counter)
    counter = workshop.count(1)
    next(counter)
    with pytest.raises(StopIteration) as ended:
        next(counter)
    assert ended.value.value == "counted"
    assert list(counter) == []
    counter.close()
    other = workshop.count(3)
    next(other)
    other.close()
    assert list(other) == []


def test_generators_and_other_calls_mix(workshop: Any) -> None:
    one, other = workshop.count(3), workshop.count(3)
    assert [(a[0], b[0], workshop.echo("c")) for a, b in zip(one, other, strict=True)] == [
        (0, 0, "c"),
        (1, 1, "c"),
        (2, 2, "c"),
    ]


def test_a_generator_can_use_a_block_as_long_as_it_lives(workshop: Any) -> None:
    seen: list[int] = []

    def negated(number: int) -> int:
        seen.append(number)
        return -number

    assert list(workshop.mapped(negated, [1, 2, 3])) == [-1, -2, -3]
    assert seen == [1, 2, 3]


def test_a_generator_does_not_run_twice_at_a_time(workshop: Any) -> None:
    generators: list[Any] = []
    generator = workshop.mapped(lambda _: next(generators[0]), [1])
    generators.append(generator)
    with pytest.raises(ValueError, match="generator already executing"):
        next(generator)


# Time limits


def test_a_call_that_takes_too_long_is_given_up_and_the_next_is_answered_rightly(workshop: Any) -> None:
    began = time.monotonic()
    with time_limit(0.1), pytest.raises(ServiceTimeout, match=r"service process 0 gave no answer within 0.1 s"):
        workshop.sleep(20)
    assert time.monotonic() - began < 10
    assert workshop.echo("right") == "right"


def test_a_limit_in_time_is_no_limit(workshop: Any) -> None:
    with time_limit(60):
        assert workshop.echo(b"x" * 1_000_000) == b"x" * 1_000_000
        assert workshop.repeat(2, lambda number: number) == [0, 1]
    workshop.sleep(0.01)


def test_a_limit_ends_with_its_call_however_that_ended(workshop: Any) -> None:
    with time_limit(1), pytest.raises(ValueError, match="no"):
        workshop.fail(ValueError("no"))
    time.sleep(1.1)  # beyond the limit, which must mean nothing to the next call
    assert workshop.echo(1) == 1


def test_the_nearer_limit_counts(workshop: Any) -> None:
    with time_limit(60), time_limit(0.1), time_limit(60), pytest.raises(ServiceTimeout):
        workshop.sleep(20)


def test_a_limit_that_is_over_begins_nothing(workshop: Any) -> None:
    calls: list[int] = []
    with time_limit(0.01):
        time.sleep(0.02)
        with pytest.raises(ServiceTimeout):
            workshop.repeat(1, calls.append)
    assert calls == []


def test_a_with_whose_call_was_given_up_is_rolled_back(workshop: Any) -> None:
    before = workshop.notes()

    def in_a_transaction() -> None:
        with workshop.transaction() as inside:
            inside.note("undone")
            with time_limit(0.1):
                workshop.sleep(1)

    with pytest.raises(ServiceTimeout):
        in_a_transaction()
    eventually(lambda: not workshop.locked(), "unlocked")
    assert workshop.notes() == before
    assert workshop.book().history()[1][-1].startswith("ClientGone: ")


# Many at once


def test_answers_are_never_mixed(workshop: Any) -> None:
    def turn(worker: int, number: int) -> bool:
        asked = (worker, number)
        answers = workshop.echo(asked), workshop.repeat(2, lambda again: (*asked, again))
        return answers == (asked, [(*asked, 0), (*asked, 1)])

    def work(worker: int) -> bool:
        return all(turn(worker, number) for number in range(50))

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(work, range(8)))
