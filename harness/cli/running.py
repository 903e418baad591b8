"""`harness run`: everything is looked at first, then items run, and reports are told of them as they end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeAlias

from harness.cli.outputs import console, opened, refuse_twins, to_files, to_github
from harness.cli.refusal import RefusedError
from harness.cli.stepping import Stepper, check_stepping
from harness.cli.suites import Chosen, choose, found_or_refused, hash_of, refusal
from harness.engine.calibration import measure
from harness.engine.runner import Engine, be_silent_of_interrupts, run_many
from harness.engine.settings import Settings
from harness.implementations import VersionError, folders, version_of
from harness.judging import line_reader, outcome_of, outcome_without_running, result_of
from harness.load.manifest import load_manifest
from harness.model.outcome import Verdict
from harness.model.source import InvalidInputError
from harness.report.jsonl import JsonLines
from harness.report.origin import harness_version, this_machine
from harness.report.run import Footer, Header, Implementation, NotRun, Report, StatedClause, Tally

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.cli.arguments import Run
    from harness.model.manifest import Manifest
    from harness.model.outcome import Outcome
    from harness.model.scenario import Scenario

Item: TypeAlias = "tuple[Scenario, Manifest]"


def run(command: Run) -> int:
    """Run what is meant; 0 if nothing is red, 1 if something is, 3 if it is flaky, 130 or 143 if it was interrupted."""
    if command.step:
        check_stepping(command.jobs)
    chosen = choose(command.choice)
    judged = _judged(command.implementations, chosen)
    absent = {each.manifest.name: each.absent for each in judged if each.absent is not None}
    with ExitStack() as stack:
        items = [(scenario, each.manifest) for each in judged for scenario in chosen.items]
        reports = _reports(command, stack)
        teller = _Teller(reports, items, absent=absent, repeat=command.repeat, until_red=command.until_fail)
        header = _header(command, chosen, tuple(each.implementation for each in judged))
        teller.begin(header)
        return _run(command, teller, header.time_scale)


def _run(command: Run, teller: _Teller, time_scale: float) -> int:
    stepper = Stepper(sys.stdin, sys.stdout) if command.step else None
    began = time.monotonic()
    interrupted: int | None = None
    try:
        settings = Settings(time_scale=time_scale, keep=command.keep, spectator=stepper)
        with Engine(settings) as engine:
            asyncio.run(_run_all(teller, engine, command))
    except KeyboardInterrupt:
        interrupted = 128 + signal.SIGINT
    except asyncio.CancelledError:
        interrupted = 128 + (signal.SIGTERM if stepper is None or not stepper.has_quit else signal.SIGINT)
    except _EnoughError:
        pass
    teller.end(time.monotonic() - began, interrupted=interrupted is not None)
    return teller.tally.status if interrupted is None else interrupted


async def _run_all(teller: _Teller, engine: Engine, command: Run) -> None:
    """Ctrl-C cancels this, as `asyncio.run` has it; so do TERM and HUP. The engine stops whatever runs."""
    task = asyncio.current_task()
    assert task is not None
    be_silent_of_interrupts(asyncio.get_running_loop())
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    ready = teller.tell_what_cannot_run()
    try:
        await run_many(ready, engine, jobs=1 if command.step else command.jobs, retry=command.retry, on_end=teller.tell)
    except ExceptionGroup as group:
        # Several items may end in one turn of the loop; a report that cannot be written matters more than enough.
        raise min(group.exceptions, key=lambda error: isinstance(error, _EnoughError)) from None


class _EnoughError(Exception):
    """An item is red, and the user wants no more after that."""


class _Teller:
    """Tells all reports, and remembers what they have not been told of yet."""

    def __init__(
        self,
        reports: Sequence[Report],
        items: Sequence[Item],
        *,
        absent: Mapping[str, str],
        repeat: int,
        until_red: bool,
    ) -> None:
        self._reports = reports
        self._absent = absent
        self._until_red = until_red
        self._waiting = {
            NotRun(manifest.name, scenario.item, number): (scenario, manifest)
            for number in range(1, repeat + 1)
            for scenario, manifest in items
        }
        self._told: Counter[tuple[str, str]] = Counter()
        self._is_repeated = repeat > 1
        self._passed: dict[tuple[str, str], Outcome] = {}
        self._read_line = line_reader(scenario for scenario, _ in items)
        self.tally = Tally()

    def begin(self, header: Header) -> None:
        for report in self._reports:
            report.begin(header)

    def tell_what_cannot_run(self) -> list[Item]:
        """Tell of the items that need not be run; gives the others."""
        for scenario, manifest in list(self._waiting.values()):
            outcome = outcome_without_running(scenario, manifest, absent=self._absent.get(manifest.name))
            if outcome is not None:
                self.tell([outcome])
        return list(self._waiting.values())

    def tell(self, tries: Sequence[Outcome]) -> None:
        """Raises _EnoughError behind a red outcome, if that is to be the end."""
        outcome = outcome_of(tries)
        self._told[outcome.implementation, outcome.item] += 1
        number = self._told[outcome.implementation, outcome.item]
        del self._waiting[NotRun(outcome.implementation, outcome.item, number)]
        self.tally.add(outcome.verdict)
        result = replace(result_of(outcome, self._read_line, number=number), passed=self._passed_too(outcome, tries))
        for report in self._reports:
            report.add(result)
        if self._until_red and outcome.verdict.is_red:
            raise _EnoughError

    def _passed_too(self, outcome: Outcome, tries: Sequence[Outcome]) -> Outcome | None:
        """What the item did when it passed last in this run, to stand beside what it did when it did not."""
        key = (outcome.implementation, outcome.item)
        if tries[-1].verdict is not Verdict.PASSED:
            return self._passed.get(key) if outcome.verdict.is_red else None
        if self._is_repeated:
            self._passed[key] = tries[-1]
        return tries[-1] if outcome.verdict is Verdict.FLAKY else None

    def end(self, seconds: float, *, interrupted: bool) -> None:
        footer = Footer(seconds, interrupted=interrupted, not_run=tuple(self._waiting))
        for report in self._reports:
            report.end(footer)


def _reports(command: Run, stack: ExitStack) -> list[Report]:
    """The console last: its last line is the last of all."""
    reports: list[Report] = []
    refuse_twins([*command.files.given, *([] if command.report is None else [command.report])])
    if command.report is not None:
        reports.append(JsonLines(stack.enter_context(opened(command.report))))
    reports += to_files(command.files, stack)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        reports += to_github(os.environ, stack)
    return [*reports, console(sys.stdout, live=not command.step)]


@dataclass(frozen=True, slots=True)
class _Judged:
    """An implementation that is to be judged; `absent` says why it cannot be: it is not installed here."""

    manifest: Manifest
    implementation: Implementation
    absent: str | None = None


def _judged(arguments: Sequence[str], chosen: Chosen) -> list[_Judged]:
    """What is to be judged. Of several, one that is not here is not run, and told so; all of them are a refusal."""
    where = folders(chosen.paths)
    judged: list[_Judged] = []
    for argument in arguments or (None,):
        found = found_or_refused(argument, where)
        try:
            manifest = load_manifest(found.path)
        except InvalidInputError as error:
            raise refusal(error.problems) from error
        if any(manifest.name == other.manifest.name for other in judged):
            raise RefusedError.of(f"two implementations are called {manifest.name}")
        try:
            version, absent = version_of(manifest), None
        except VersionError as error:
            version, absent = "not here", str(error)
        implementation = Implementation(
            name=manifest.name,
            version=version,
            argument=found.argument,
            language=manifest.language,
            profiles=tuple(sorted(manifest.profiles)),
        )
        judged.append(_Judged(manifest, implementation, absent))
    reasons = [each.absent for each in judged]
    if None not in reasons:
        raise RefusedError.of(reasons[0])
    return judged


def _header(command: Run, chosen: Chosen, implementations: tuple[Implementation, ...]) -> Header:
    clauses = chosen.suite.clauses.values()
    pace = measure() if command.time_scale is None else None
    return Header(
        harness=harness_version(),
        suite=" ".join(map(str, chosen.paths)),
        suite_hash=hash_of(chosen.suite),
        implementations=implementations,
        items=len(chosen.items) * len(implementations) * command.repeat,
        repeat=command.repeat,
        machine=this_machine(),
        time_scale=command.time_scale or (1.0 if pace is None else pace.scale),
        pace=pace,
        started=datetime.now(UTC).isoformat(timespec="milliseconds"),
        clauses=tuple(StatedClause(clause.id, clause.topic, clause.level, clause.says) for clause in clauses),
    )
