"""Badges: what they say, and in which colour."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from harness.model.outcome import Verdict
from harness.report.badge import GREEN, RED, YELLOW, badge
from harness.report.run import Implementation, Result, Run
from harness.report.survey import survey

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.model.outcome import Outcome

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(
    ("verdicts", "said", "colour"),
    [
        ([Verdict.PASSED], "1 of 4 must", GREEN),
        ([Verdict.PASSED, Verdict.XFAILED], "0 of 4 must, 1 known", YELLOW),
        ([Verdict.PASSED, Verdict.FAILED, Verdict.XFAILED], "1 red", RED),
    ],
)
def test_a_badge_says_how_many_clauses_hold(
    verdicts: list[Verdict], said: str, colour: str, whole_run: Run, outcome_of: Callable[..., Outcome]
) -> None:
    results = tuple(Result(outcome_of(f"stop/graceful[{verdict}]", verdict)) for verdict in verdicts)
    (subject,) = survey([dataclasses.replace(whole_run, results=results)]).subjects
    drawn = ET.fromstring(badge(subject))
    assert [text.text for text in drawn.iter(f"{SVG}text")] == ["riser 0.1.0", said]
    assert drawn.find(f"{SVG}rect[@fill='{colour}']") is not None


def test_a_run_that_was_ended_early_earns_no_green_badge(interrupted_run: Run) -> None:
    green = dataclasses.replace(interrupted_run, results=interrupted_run.results[:1])
    (subject,) = survey([green]).subjects
    assert "7 not run" in badge(subject)


def test_a_name_is_no_markup(whole_run: Run) -> None:
    header = dataclasses.replace(whole_run.header, implementations=(Implementation('<a "&', "1"),))
    (subject,) = survey([Run(header, (), whole_run.footer)]).subjects
    assert '&lt;a "&amp; 1' in badge(subject)
    ET.fromstring(badge(subject))
