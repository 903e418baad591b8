"""Several reports side by side: what belongs in one table, and what does not."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from harness.model.outcome import Verdict
from harness.report.conformance import Standing
from harness.report.run import Implementation, Result, Run
from harness.report.survey import SurveyError, survey, worst

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.model.outcome import Outcome


def of(run: Run, name: str) -> Run:
    """The same run of another implementation."""
    header = dataclasses.replace(run.header, implementations=(Implementation(name, "2", name),))
    results = tuple(
        dataclasses.replace(result, outcome=dataclasses.replace(result.outcome, implementation=name))
        for result in run.results
    )
    return dataclasses.replace(run, header=header, results=results)


def test_each_implementation_has_its_own_results(whole_run: Run) -> None:
    surveyed = survey([whole_run, of(dataclasses.replace(whole_run, results=whole_run.results[:3]), "other")])
    assert [(subject.name, len(subject.results)) for subject in surveyed.subjects] == [("riser", 10), ("other", 3)]
    assert [subject.standings["stop.graceful"] for subject in surveyed.subjects] == [Standing.FAILED, Standing.OPEN]


def test_scenarios_stand_under_the_topics_of_the_clauses_in_their_order(whole_run: Run) -> None:
    topics = dict.fromkeys(row.topic for row in survey([whole_run]).scenarios)
    assert list(topics) == ["address", "restart", "stop", "tls"]


def test_cells_of_a_scenario_are_one_row(whole_run: Run, outcome_of: Callable[..., Outcome]) -> None:
    results = tuple(Result(outcome_of(f"stop/idle[{cell}]", Verdict.PASSED)) for cell in ("b", "a"))
    (row,) = survey([dataclasses.replace(whole_run, results=results)]).scenarios
    assert list(row.items) == ["stop/idle[a]", "stop/idle[b]"]


def test_the_cells_of_a_scenario_may_need_different_profiles(
    whole_run: Run, outcome_of: Callable[..., Outcome]
) -> None:
    needs = {"stop/idle[server]": ("core",), "stop/idle[daemon]": ("daemon",)}
    results = tuple(Result(outcome_of(item, Verdict.PASSED, needs=each)) for item, each in needs.items())
    surveyed = survey([dataclasses.replace(whole_run, results=results)])
    assert surveyed.scenarios[0].needs == ("core", "daemon")
    assert surveyed.needing("daemon") == ["stop/idle[daemon]"]


def test_reports_of_several_suites_are_refused(whole_run: Run) -> None:
    other = of(whole_run, "other")
    other = dataclasses.replace(other, header=dataclasses.replace(other.header, suite_hash="sha256:beef"))
    with pytest.raises(SurveyError, match="of different suites, 3f0c and beef: run them again"):
        survey([whole_run, other])


def test_two_reports_of_one_implementation_are_refused(whole_run: Run) -> None:
    with pytest.raises(SurveyError, match="two of these reports judge riser: give one of them"):
        survey([whole_run, whole_run])


def test_an_item_is_as_good_as_its_worst_round(outcome_of: Callable[..., Outcome]) -> None:
    rounds = [Result(outcome_of("stop/idle", verdict)) for verdict in (Verdict.PASSED, Verdict.LEAKED, Verdict.XFAILED)]
    assert worst(rounds) is Verdict.LEAKED
    assert worst([]) is None
