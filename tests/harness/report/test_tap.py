"""TAP 14: what a consumer reads, and what it must not take for a success."""

from __future__ import annotations

import dataclasses
import io
from typing import TYPE_CHECKING

from harness.model.outcome import Verdict
from harness.report.run import Footer, NotRun, Result, Run, replay
from harness.report.tap import Tap

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.model.outcome import Outcome


def written(run: Run) -> str:
    stream = io.StringIO()
    replay(run, [Tap(stream)])
    return stream.getvalue()


def test_a_run_in_tap(whole_run: Run, golden: Callable[[str, str], None]) -> None:
    golden("tap.txt", written(whole_run))


def test_a_run_that_was_ended_early_bails_out(interrupted_run: Run) -> None:
    assert written(interrupted_run).splitlines()[-1] == "Bail out! interrupted, 7 not run"
    enough = Run(interrupted_run.header, interrupted_run.results, Footer(1.0, not_run=(NotRun("riser", "a/b"),)))
    assert written(enough).splitlines()[-1] == "Bail out! stopped at the first red item, 1 not run"


def test_a_number_sign_in_a_name_begins_no_directive(whole_run: Run) -> None:
    header = dataclasses.replace(whole_run.header, repeat=2)
    lines = written(Run(header, (dataclasses.replace(whole_run.results[0], round=2),), whole_run.footer)).splitlines()
    assert lines[4] == r"ok 1 - riser:address/tcp[tcp]\#2"


def test_a_reason_of_several_lines_stays_in_one(whole_run: Run, outcome_of: Callable[..., Outcome]) -> None:
    outcome = outcome_of("tls/handshake", Verdict.SKIPPED, reason="no\nnot ok 2 - # here")
    lines = written(Run(whole_run.header, (Result(outcome),), whole_run.footer)).splitlines()
    assert lines[4] == r"ok 1 - riser:tls/handshake # SKIP no\\nnot ok 2 - \# here"
    assert all(line.startswith("  ") for line in lines[5:])
