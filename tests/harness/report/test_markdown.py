"""The summary in Markdown."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from harness.model.outcome import BY_LUCK, Failure, Verdict
from harness.model.source import Location
from harness.report.kills import Kill, Kills
from harness.report.markdown import MOST_RED, escaped, markdown
from harness.report.run import Result, Run
from harness.report.survey import survey
from tests.harness.report.test_survey import of

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.model.outcome import Outcome


def test_several_reports_on_one_page(whole_run: Run, golden: Callable[[str, str], None]) -> None:
    other = of(dataclasses.replace(whole_run, results=whole_run.results[:3]), "other")
    mutants = (
        Kill("forgets", "Forgets WINCH.", ("stat.stop",), "killed", ("stat/stop",)),
        Kill("lives", "Is <right>.", ("stop.idle",), "survived", ()),
    )
    golden("summary.md", markdown(survey([whole_run, other]), Kills("sha256:3f0c", mutants, ("stop.graceful",))))


def test_what_was_not_run_is_counted(interrupted_run: Run) -> None:
    lines = markdown(survey([interrupted_run])).splitlines()
    head, _, row = [line for line in lines if line.startswith("|")][:3]
    assert head.endswith("| not run |")
    assert row.endswith("| 7 |")


def test_text_from_a_report_is_no_markup() -> None:
    assert escaped("a|b <i> *c* [d](e) `f` & _g_\n") == r"a\|b &lt;i&gt; \*c\* \[d\](e) \`f\` &amp; \_g\_\\n"


def test_a_page_of_red_items_is_cut(whole_run: Run, outcome_of: Callable[..., Outcome]) -> None:
    failure = Failure(Location("a.yaml", 1, 1), "wrong")
    results = tuple(
        Result(outcome_of(f"stop/idle[{number}]", Verdict.FAILED, failure=failure)) for number in range(MOST_RED + 2)
    )
    lines = markdown(survey([dataclasses.replace(whole_run, results=results)])).splitlines()
    assert sum(line.startswith("- **failed**") for line in lines) == MOST_RED
    assert "- and 2 more" in lines


def test_a_known_failure_that_passed_by_luck_stands_with_those_that_failed(
    whole_run: Run, outcome_of: Callable[..., Outcome]
) -> None:
    reasons = ("it is a race", f"{BY_LUCK}it is a race")
    results = tuple(
        Result(outcome_of(f"stop/idle[{number}]", Verdict.XFAILED, reason=reason))
        for number, reason in enumerate(reasons)
    )
    lines = markdown(survey([dataclasses.replace(whole_run, results=results)])).splitlines()
    assert "- it is a race (stop/idle in 2 cells; 1 of them passed this time, by luck)" in lines
