"""What command line and pytest plugin both do around the engine: say what cannot be run, and fetch a failure's line."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, assert_never

from harness.load.render import file_reader
from harness.machine import this_machine
from harness.model.outcome import Outcome, Verdict
from harness.plan import Ready, Skipped, Unsupported, plan
from harness.report.failure import why
from harness.report.run import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from harness.model.manifest import Manifest
    from harness.model.scenario import Scenario


def outcome_without_running(scenario: Scenario, manifest: Manifest, *, absent: str | None = None) -> Outcome | None:
    """The outcome of an item that cannot be run, None for one that can; `absent` says why the implementation cannot."""
    planned = plan(scenario, manifest, machine=this_machine()) if absent is None else Skipped(absent)
    match planned:
        case Ready():
            return None
        case Unsupported():
            verdict = Verdict.UNSUPPORTED
        case Skipped():
            verdict = Verdict.SKIPPED
        case _:
            assert_never(planned)
    return Outcome(
        item=scenario.item,
        title=scenario.title,
        clauses=scenario.clauses,
        implementation=manifest.name,
        verdict=verdict,
        location=scenario.location,
        reason=planned.reason,
        needs=tuple(sorted(scenario.profiles)),
    )


def line_reader(scenarios: Iterable[Scenario]) -> Callable[[str, int], str | None]:
    """Gives a line of a file as it is now, at the start, whatever an editor does to the file while items run."""
    read_line = file_reader()
    for file in {scenario.location.file for scenario in scenarios}:
        read_line(file, 1)
    return read_line


def result_of(outcome: Outcome, read_line: Callable[[str, int], str | None], *, number: int = 1) -> Result:
    """The outcome, of the item's run of that number, with the line that its failure points at."""
    if outcome.failure is None:
        return Result(outcome, round=number)
    place = outcome.failure.location
    return Result(outcome, read_line(place.file, place.line), round=number)


def outcome_of(tries: Sequence[Outcome]) -> Outcome:
    """What is said of an item that was tried so often: of one that came to be no longer red that it is flaky, and why.

    The evidence of a flaky item is that of its first try, which was red.
    """
    first, last = tries[0], tries[-1]
    if len(tries) == 1:
        return first
    if last.verdict.is_red:
        return replace(last, reason=f"{last.verdict} in each of {len(tries)} tries")
    reason = f"{first.verdict} first, and {last.verdict} in try {len(tries)}"
    return replace(first, verdict=Verdict.FLAKY, failure=why(first), reason=reason)
