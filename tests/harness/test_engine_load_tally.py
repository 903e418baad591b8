"""What a load's operations come to, from made-up operations."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.engine.actors.tally import Cause, FailedOperation, Gap, Tally

if TYPE_CHECKING:
    from collections.abc import Callable


def a_failure(number: int, ended: float = 1.0) -> FailedOperation:
    return FailedOperation(3, number, ended - 0.1, ended, Cause.REFUSED, "")


def a_tally(*ends: float) -> Tally:
    tally = Tally()
    for end in ends:
        tally.succeed(end - 0.01, end)
    return tally


def test_an_operation_is_done_whether_it_succeeded_or_failed() -> None:
    tally = a_tally(1.0, 2.0)
    tally.fail(a_failure(3))
    assert (tally.done, tally.succeeded, tally.failed) == (3, 2, 1)


def test_the_first_failures_are_kept_and_all_are_counted() -> None:
    tally = Tally()
    for number in range(1500):
        tally.fail(a_failure(number))
    assert tally.failed == 1500
    assert [failure.number for failure in tally.failures] == list(range(1000))


def test_a_failed_operation_says_whose_it_was_and_why() -> None:
    assert str(a_failure(201)) == "#3 operation 201, connection refused"
    failure = FailedOperation(1, 2, 0, 1, Cause.WRONG, "got 'x', expected 'y'")
    assert str(failure) == "#1 operation 2, wrong answer (got 'x', expected 'y')"


def test_the_longest_gap_lies_between_two_successes() -> None:
    assert a_tally(1.0, 1.1, 1.6, 1.7).longest_gap(0.9, 1.8) == Gap(1.1, 1.6)


def test_a_gap_counts_from_the_mark_and_to_the_end() -> None:
    assert a_tally(1.0, 2.0).longest_gap(1.2, 2.1) == Gap(1.2, 2.0)
    assert a_tally(1.0, 2.0).longest_gap(0.9, 4.0) == Gap(2.0, 4.0)


def unseen_between(began: float, ended: float) -> Callable[[float, float], float]:
    """A stall of the engine."""
    return lambda one, other: max(0.0, min(other, ended) - max(one, began))


def test_of_a_gap_counts_only_what_could_be_seen() -> None:
    tally = a_tally(1.0, 2.0, 2.6)
    assert tally.longest_gap(1.0, 2.6) == Gap(1.0, 2.0)
    assert tally.longest_gap(1.0, 2.6, unseen=unseen_between(1.2, 1.5)) == Gap(1.0, 2.0)
    assert tally.longest_gap(1.0, 2.6, unseen=unseen_between(1.2, 1.7)) == Gap(2.0, 2.6)


def test_of_a_latency_counts_only_what_could_be_seen() -> None:
    tally = Tally()
    tally.succeed(1.0, 2.0)
    tally.succeed(2.0, 2.5)
    assert tally.latency(100, unseen=unseen_between(1.2, 1.5)) == pytest.approx(0.7)
    assert tally.latency(100, unseen=unseen_between(1.2, 1.9)) == pytest.approx(0.5)


def test_without_a_success_everything_is_a_gap() -> None:
    assert Tally().longest_gap(1.0, 3.0) == Gap(1.0, 3.0)


def test_a_percentile_is_the_duration_that_so_many_did_not_exceed() -> None:
    tally = Tally()
    for hundredth in range(1, 101):
        tally.succeed(0.0, hundredth / 100)
    assert tally.latency(50) == pytest.approx(0.5)
    assert tally.latency(99) == pytest.approx(0.99)
    assert tally.latency(100) == pytest.approx(1.0)
    assert tally.latency(0) == pytest.approx(0.01)


def test_nothing_has_no_latency() -> None:
    assert Tally().latency(50) is None


times = st.lists(st.floats(0, 100), max_size=50).map(sorted)


@given(times, st.floats(0, 100), st.floats(0, 100))
def test_the_longest_gap_is_the_longest_and_holds_no_success(ends: list[float], one: float, other: float) -> None:
    since, until = min(one, other), max(one, other)
    gap = a_tally(*ends).longest_gap(since, until)
    assert since <= gap.began <= gap.ended <= until
    assert not any(gap.began < end < gap.ended for end in ends)
    edges = [since, *(end for end in ends if since <= end <= until), until]
    assert gap.seconds == max(after - before for before, after in pairwise(edges))


@given(st.lists(st.floats(0, 100), min_size=1, max_size=50), st.floats(0, 100))
def test_at_least_so_many_percent_are_within_a_percentile(durations: list[float], percent: float) -> None:
    tally = Tally()
    for duration in durations:
        tally.succeed(0.0, duration)
    latency = tally.latency(percent)
    assert latency is not None
    within = sum(duration <= latency + 1e-5 for duration in durations)
    assert within >= percent / 100 * len(durations) - 1e-6
