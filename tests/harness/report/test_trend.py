"""How it went from run to run."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from harness.model.outcome import Verdict
from harness.report.run import Result, Run
from harness.report.trend import trend

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.model.outcome import Outcome


def test_runs_are_told_in_the_order_of_time(
    whole_run: Run, outcome_of: Callable[..., Outcome], golden: Callable[[str, str], None]
) -> None:
    def run(day: int, **verdicts: Verdict) -> Run:
        results = tuple(Result(outcome_of(f"stop/{name}", verdict)) for name, verdict in verdicts.items())
        header = dataclasses.replace(whole_run.header, started=f"2026-03-0{day}T12:00:00+00:00")
        return dataclasses.replace(whole_run, header=header, results=results)

    passed, failed, known = Verdict.PASSED, Verdict.FAILED, Verdict.XFAILED
    runs = [
        run(3, steady=passed, shaky=passed, added=passed),
        run(1, steady=passed, shaky=failed),
        run(2, steady=passed, shaky=known),
    ]
    golden("trend.txt", "".join(f"{line}\n" for line in trend(runs)))


def test_runs_that_began_in_the_same_second_are_in_order_too(whole_run: Run) -> None:
    def run(version: str, fraction: str) -> Run:
        implementations = (dataclasses.replace(whole_run.header.implementations[0], version=version),)
        started = f"2026-03-01T12:00:00{fraction}+00:00"
        header = dataclasses.replace(whole_run.header, started=started, implementations=implementations)
        return dataclasses.replace(whole_run, header=header)

    lines = list(trend([run("third", ".020"), run("second", ".003"), run("first", "")]))[1:4]
    assert [line.split()[3] for line in lines] == ["first", "second", "third"]
    assert {line.split()[1] for line in lines} == {"12:00:00"}


def test_where_nothing_changed_that_is_said(whole_run: Run) -> None:
    assert list(trend([whole_run, whole_run]))[-1] == "items that did not always end the same way: none"
