"""`harness report`: a run that is over, told again."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from harness.cli.outputs import console, opened
from harness.cli.refusal import RefusedError
from harness.report.jsonl import ReportError, read_run
from harness.report.junit import JUnit
from harness.report.run import Tally, replay

if TYPE_CHECKING:
    from harness.cli.arguments import Report as Command
    from harness.report.run import Report, Run


def report(command: Command) -> int:
    """Make the reports that are asked for; the exit status is that of the run."""
    run = _read(command)
    with ExitStack() as stack:
        reports: list[Report] = []
        if command.junit is not None:
            reports.append(JUnit(stack.enter_context(opened(command.junit))))
        if command.console:
            reports.append(console(sys.stdout, live=False))
        replay(run, reports)
    return exit_status(run)


def exit_status(run: Run) -> int:
    """As `harness run` had it."""
    if run.footer.interrupted:
        return 130
    tally = Tally()
    for result in run.results:
        tally.add(result.outcome.verdict)
    return tally.status


def _read(command: Command) -> Run:
    try:
        return read_run(command.file)
    except ReportError as error:
        raise RefusedError.of(error) from error
    except OSError as error:
        raise RefusedError.of(f"{command.file}: {(error.strerror or str(error)).lower()}") from error
