"""Counters become reports of 16 fields, with no surprises from clocks or zeros."""

import json

from riser.core.stats import FIELDS, QueueStats, as_json, as_prometheus


def _stats() -> QueueStats:
    stats = QueueStats("thread_queue", 20, timeout_seconds=0.1)
    stats.start(clock=100.0, wall=5000.0)
    return stats


def test_a_report_has_the_sixteen_fields_of_riser_in_their_order() -> None:
    """`stat.fields`."""
    report = _stats().report(clock=101.5, wall=5001.5, closed=False, reset=True)
    assert tuple(report) == FIELDS
    assert len(FIELDS) == 16
    assert report["queue_name"] == "thread_queue"
    assert report["max_size"] == 20
    assert report["closed"] is False
    assert (report["start_time"], report["get_time"], report["elapsed_seconds"]) == (5000.0, 5001.5, 1.5)


def test_ratios_and_averages_over_nothing_are_zero() -> None:
    """`stat.zero`."""
    report = _stats().report(clock=100.0, wall=5000.0, closed=False, reset=True)
    assert [report[name] for name in FIELDS if name.endswith(("ratio", "average_queue_size"))] == [0.0] * 5


def test_a_wall_clock_that_steps_back_makes_no_duration_negative() -> None:
    """`stat.zero`."""
    report = _stats().report(clock=103.0, wall=10.0, closed=False, reset=True)
    assert report["elapsed_seconds"] == 3.0


def test_pushes_and_pops_are_counted_with_the_length_that_they_found() -> None:
    stats = _stats()
    for size in (0, 1, 2):
        stats.pushed(size)
    stats.popped(0, waited=True)
    stats.popped(3, waited=False)
    report = stats.report(clock=100.0, wall=5000.0, closed=False, reset=False)
    assert (report["push_count"], report["push_average_queue_size"]) == (3, 1.0)
    assert (report["pop_count"], report["pop_average_queue_size"]) == (2, 1.5)
    assert (report["pop_wait_count"], report["pop_wait_ratio"]) == (1, 0.5)


def test_a_wait_is_one_push_and_a_timeout_for_each_interval_that_it_lasts() -> None:
    stats = _stats()
    stats.wait_began(20, clock=100.0)
    during = stats.report(clock=100.25, wall=5000.0, closed=False, reset=False)
    assert (during["push_count"], during["push_wait_count"], during["push_timeout_count"]) == (1, 1, 2)
    stats.wait_ended(clock=100.45)
    stats.pushed(19)
    stats.pushed(20)
    after = stats.report(clock=101.0, wall=5000.0, closed=False, reset=False)
    assert (after["push_count"], after["push_wait_count"], after["push_timeout_count"]) == (2, 1, 4)
    assert (after["push_wait_ratio"], after["push_timeout_ratio"]) == (0.5, 2.0)


def test_a_reset_begins_anew_and_none_goes_on() -> None:
    stats = _stats()
    stats.pushed(0)
    assert stats.report(clock=101.0, wall=5001.0, closed=False, reset=False)["push_count"] == 1
    assert stats.report(clock=102.0, wall=5002.0, closed=False, reset=True)["push_count"] == 1
    fresh = stats.report(clock=103.0, wall=5003.0, closed=False, reset=True)
    assert (fresh["push_count"], fresh["start_time"], fresh["elapsed_seconds"]) == (0, 5002.0, 1.0)


def test_starting_again_after_a_stop_begins_anew_and_twice_does_not() -> None:
    stats = _stats()
    stats.pushed(0)
    stats.start(clock=101.0, wall=5001.0)
    assert stats.report(clock=102.0, wall=5002.0, closed=False, reset=False)["push_count"] == 1
    stats.stop()
    assert not stats.enabled
    stats.start(clock=103.0, wall=5003.0)
    assert stats.report(clock=104.0, wall=5004.0, closed=False, reset=False)["push_count"] == 0


def test_a_report_is_plain_json() -> None:
    report = _stats().report(clock=100.0, wall=5000.0, closed=True, reset=True)
    assert json.loads(as_json(report)) == report


def test_a_report_is_text_for_prometheus() -> None:
    stats = QueueStats('a "queue"\\\n', 20)
    stats.start(clock=100.0, wall=5000.0)
    text = as_prometheus(stats.report(clock=101.0, wall=5001.0, closed=False, reset=True))
    assert '# TYPE riser_queue_max_size gauge\nriser_queue_max_size{queue="a \\"queue\\"\\\\\\n"} 20.0\n' in text
    assert "riser_queue_closed" in text
    assert text.endswith("\n")
    assert "queue_name" not in text


def test_the_reports_of_several_queues_share_one_type_line_a_metric() -> None:
    reports = []
    for name, size in [("process_queue", 20), ("thread_queue-0", 5), ("process_queue", 21)]:
        stats = QueueStats(name, size)
        stats.start(clock=100.0, wall=5000.0)
        reports.append(stats.report(clock=101.0, wall=5001.0, closed=False, reset=True))
    lines = as_prometheus(*reports).splitlines()
    types = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(types) == len(set(types)) == len(FIELDS) - 1
    at = lines.index("# TYPE riser_queue_max_size gauge")
    assert lines[at + 1 : at + 3] == [
        'riser_queue_max_size{queue="process_queue"} 21.0',
        'riser_queue_max_size{queue="thread_queue-0"} 5.0',
    ]
    assert lines[at + 3].startswith("# TYPE")


def test_of_no_report_there_is_no_text() -> None:
    assert as_prometheus() == ""
