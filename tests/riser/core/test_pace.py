"""How many a child may be sent ahead of its threads: some in a storm of short ones, none otherwise."""

from hypothesis import given
from hypothesis import strategies as st

from riser.core.pace import AHEAD_SECONDS, SAMPLE, Pace


def _after_storm(seconds_each: float, *, most: int = 20) -> Pace:
    pace = Pace(most=most)
    pace.finished(1, crowded=False, clock=100.0)
    for number in range(1, SAMPLE + 1):
        pace.finished(1, crowded=True, clock=100.0 + number * seconds_each)
    return pace


def test_nothing_is_sent_ahead_before_there_was_a_storm() -> None:
    pace = Pace(most=20)
    for number in range(SAMPLE - 1):
        pace.finished(1, crowded=True, clock=1.0 + number * 1e-6)
    assert pace.ahead(0) == 0


def test_in_a_storm_as_many_as_are_finished_in_a_moment() -> None:
    assert _after_storm(AHEAD_SECONDS / 4.5).ahead(0) == 4


def test_nothing_where_a_dispatch_takes_longer_than_a_moment() -> None:
    assert _after_storm(AHEAD_SECONDS * 1.1).ahead(0) == 0


def test_no_more_than_the_thread_queue_holds() -> None:
    assert _after_storm(1e-9, most=3).ahead(0) == 3


def test_more_are_sent_when_half_of_them_have_begun() -> None:
    pace = _after_storm(AHEAD_SECONDS / 8.5)
    assert [pace.ahead(waiting) for waiting in range(9)] == [8, 7, 6, 5, 4, 0, 0, 0, 0]


def test_each_time_that_nobody_waits_it_is_halved() -> None:
    pace = _after_storm(AHEAD_SECONDS / 8.5)
    seen = []
    for number in range(4):
        pace.finished(1, crowded=False, clock=200.0 + number)
        seen.append(pace.ahead(0))
    assert seen == [4, 2, 1, 0]


def test_a_lull_begins_the_sample_again() -> None:
    pace = Pace(most=20)
    for number in range(SAMPLE):
        pace.finished(SAMPLE - 1, crowded=True, clock=number * 1e-6)
        pace.finished(1, crowded=False, clock=number * 1e-6)
    assert pace.ahead(0) == 0


def test_a_child_that_has_become_slow_is_sent_less() -> None:
    pace = _after_storm(AHEAD_SECONDS / 8.5)
    pace.finished(SAMPLE, crowded=True, clock=200.0)
    assert pace.ahead(0) == 0


@given(st.lists(st.tuples(st.integers(1, 40), st.booleans(), st.floats(0, 1))), st.integers(0, 20), st.integers(0, 40))
def test_never_more_than_may_wait(said: list[tuple[int, bool, float]], most: int, waiting: int) -> None:
    pace = Pace(most=most)
    clock = 1.0
    for connections, crowded, seconds in said:
        clock += seconds
        pace.finished(connections, crowded=crowded, clock=clock)
    more = pace.ahead(waiting)
    assert more == 0 or 0 < waiting + more <= most
