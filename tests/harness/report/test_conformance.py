"""What outcomes say about clauses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.model.outcome import Verdict
from harness.report.conformance import Standing, standings, summary_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.model.outcome import Outcome
    from harness.report.run import Header


@pytest.mark.parametrize(
    ("verdicts", "standing"),
    [
        ([], Standing.OPEN),
        ([Verdict.SKIPPED, Verdict.UNSUPPORTED], Standing.OPEN),
        ([Verdict.ERRORED], Standing.OPEN),
        ([Verdict.PASSED, Verdict.SKIPPED], Standing.PASSED),
        ([Verdict.PASSED, Verdict.XFAILED], Standing.KNOWN),
        ([Verdict.FAILED, Verdict.PASSED], Standing.FAILED),
        ([Verdict.LEAKED], Standing.FAILED),
        ([Verdict.XPASSED], Standing.FAILED),
    ],
)
def test_a_clause_is_as_good_as_its_worst_item(
    verdicts: list[Verdict], standing: Standing, outcome_of: Callable[..., Outcome]
) -> None:
    outcomes = [outcome_of("stop/idle", verdict) for verdict in verdicts]
    assert standings(outcomes, ["stop.idle"]) == {"stop.idle": standing}


def test_without_clauses_there_is_no_summary(header: Header) -> None:
    assert summary_table(header, []) == []
