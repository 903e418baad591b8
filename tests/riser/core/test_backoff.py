"""The pauses of a daemon whose server keeps dying (crash.backoff, crash.restart)."""

from riser.core.backoff import HEALTHY_SECONDS, LONGEST_PAUSE_SECONDS, failures_after, pause_seconds


def test_first_failure_is_answered_at_once() -> None:
    assert pause_seconds(1) == 0.0


def test_pauses_double_up_to_the_longest() -> None:
    pauses = [pause_seconds(failures) for failures in range(2, 14)]
    assert pauses[:5] == [0.1, 0.2, 0.4, 0.8, 1.6]
    assert pauses[-1] == LONGEST_PAUSE_SECONDS


def test_any_number_of_failures_has_a_pause() -> None:
    assert pause_seconds(10**9) == LONGEST_PAUSE_SECONDS


def test_fewer_than_ten_starts_in_ten_seconds() -> None:
    starts, now = [0.0], 0.0
    while len(starts) < 20:
        now += pause_seconds(len(starts))
        starts.append(now)
    assert len([start for start in starts if start < 10.0]) < 10


def test_healthy_server_begins_the_count_anew() -> None:
    assert failures_after(7, served_seconds=HEALTHY_SECONDS) == 1


def test_short_life_adds_to_the_count() -> None:
    assert failures_after(7, served_seconds=HEALTHY_SECONDS / 2) == 8
