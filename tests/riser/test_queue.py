"""A bounded queue that loses no wake-up, stores nothing after its end, and tells all who wait."""

import queue
import threading
import time
from collections.abc import Callable

import pytest

from riser.core.stats import QueueStats
from riser.errors import QueueClosedError
from riser.queue import TimeoutSizedQueue

from .conftest import DEADLINE_SECONDS, eventually


def _in_threads(count: int, call: Callable[[], object]) -> tuple[list[threading.Thread], queue.SimpleQueue[object]]:
    outcomes: queue.SimpleQueue[object] = queue.SimpleQueue()

    def run() -> None:
        try:
            outcomes.put(call())
        except QueueClosedError as error:
            outcomes.put(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads, outcomes


def test_items_come_out_in_the_order_in_which_they_went_in() -> None:
    sized: TimeoutSizedQueue[int] = TimeoutSizedQueue(3)
    assert all(sized.push(number, 0) for number in range(3))
    assert len(sized) == 3
    assert [sized.pop() for _ in range(3)] == [0, 1, 2]
    assert len(sized) == 0


def test_a_push_to_a_full_queue_waits_up_to_its_timeout_and_then_stores_nothing() -> None:
    """`queue.bounded`."""
    sized: TimeoutSizedQueue[str] = TimeoutSizedQueue(1)
    assert sized.push("first", 0)
    began = time.monotonic()
    assert not sized.push("second", 0.05)
    assert time.monotonic() - began >= 0.05
    assert sized.pop() == "first"
    assert len(sized) == 0


def test_a_push_that_waits_is_stored_as_soon_as_there_is_a_place() -> None:
    """`queue.bounded`."""
    sized: TimeoutSizedQueue[int] = TimeoutSizedQueue(1)
    sized.push(1, 0)
    threads, outcomes = _in_threads(1, lambda: sized.push(2, DEADLINE_SECONDS))
    assert sized.pop() == 1
    assert outcomes.get(timeout=DEADLINE_SECONDS) is True
    assert sized.pop() == 2
    threads[0].join()


def test_after_close_pushes_raise_and_pops_drain_what_is_left_and_then_report_the_end() -> None:
    """`queue.close`."""
    sized: TimeoutSizedQueue[int] = TimeoutSizedQueue(3, name="a queue")
    sized.push(1, 0)
    sized.push(2, 0)
    sized.close()
    sized.close()
    assert (sized.closed, sized.at_end) == (True, False)
    with pytest.raises(QueueClosedError, match=r"^a queue is closed$"):
        sized.push(3, 0)
    assert [sized.pop() for _ in range(4)] == [1, 2, None, None]
    assert (sized.at_end, len(sized)) == (True, 0)


def test_close_wakes_all_who_wait_for_an_item() -> None:
    """`queue.close.waiters`."""
    sized: TimeoutSizedQueue[int] = TimeoutSizedQueue(1)
    threads, outcomes = _in_threads(3, sized.pop)
    sized.close()
    assert [outcomes.get(timeout=DEADLINE_SECONDS) for _ in range(3)] == [None, None, None]
    for thread in threads:
        thread.join()


def test_close_wakes_all_who_wait_for_a_place_and_none_of_them_stores_anything() -> None:
    """`queue.close.waiters`."""
    sized: TimeoutSizedQueue[int] = TimeoutSizedQueue(1)
    sized.push(1, 0)
    threads, outcomes = _in_threads(3, lambda: sized.push(2, DEADLINE_SECONDS))
    sized.close()
    assert all(isinstance(outcomes.get(timeout=DEADLINE_SECONDS), QueueClosedError) for _ in range(3))
    for thread in threads:
        thread.join()
    assert [sized.pop(), sized.pop()] == [1, None]


def test_as_many_items_as_there_are_idle_threads_wake_all_of_them() -> None:
    for _ in range(200):
        sized: TimeoutSizedQueue[int] = TimeoutSizedQueue(4)
        threads, outcomes = _in_threads(4, sized.pop)
        for number in range(4):
            assert sized.push(number, 0)
        assert {outcomes.get(timeout=DEADLINE_SECONDS) for _ in range(4)} == {0, 1, 2, 3}
        for thread in threads:
            thread.join()


def test_nothing_is_counted_before_the_start_and_after_the_stop() -> None:
    sized: TimeoutSizedQueue[int] = TimeoutSizedQueue(2, name="q")
    sized.push(1, 0)
    assert sized.stat_get() is None
    sized.stat_start()
    sized.push(2, 0)
    report = sized.stat_get(reset=False)
    assert report is not None
    assert (report["queue_name"], report["max_size"], report["push_count"]) == ("q", 2, 1)
    assert report["push_average_queue_size"] == 1.0
    sized.stat_stop()
    assert sized.stat_get() is None


def test_waits_and_timeouts_of_pushes_and_pops_are_counted() -> None:
    sized: TimeoutSizedQueue[int] = TimeoutSizedQueue(1, stats=QueueStats("q", 7))
    sized.stat_start()
    sized.push(1, 0)
    assert not sized.push(2, 0.01)
    sized.pop()
    threads, outcomes = _in_threads(1, sized.pop)

    def waits() -> bool:
        report = sized.stat_get(reset=False)
        return report is not None and report["pop_wait_count"] == 1

    eventually(waits, "a pop waits")
    sized.close()
    outcomes.get(timeout=DEADLINE_SECONDS)
    threads[0].join()
    report = sized.stat_get()
    assert report is not None
    assert (report["max_size"], report["closed"]) == (7, True)
    assert (report["push_count"], report["push_wait_count"], report["push_timeout_count"]) == (2, 1, 1)
    assert report["pop_count"] == 2
