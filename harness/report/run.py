"""A run, as values: what was run, what came of each item, how it ended.

A `Report` is fed these in order, while the run goes on or from a file; it cannot tell the difference, and so all
reports say the same.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Protocol

from harness.model.outcome import Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from harness.model.pace import Pace

FLAKY = 3
"""The exit status of a run in which nothing is red and something is flaky."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Where the run took place; `cores` is how many of them the run may use."""

    python: str
    kernel: str
    cores: int


@dataclass(frozen=True, slots=True)
class Implementation:
    """What was judged. `argument` is what `--implementation` must be given to name it again, None for the default.

    `profiles` are those that its manifest offers, in alphabetical order.
    """

    name: str
    version: str
    argument: str | None = None
    language: str = ""
    profiles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StatedClause:
    """A clause of the suite: `topic` is the heading that it stands under, `level` how it binds, `says` its text."""

    id: str
    topic: str
    level: str
    says: str = ""


@dataclass(frozen=True, slots=True)
class Header:
    """What is known before the first item ends.

    `pace` is what the time scale was made of, None where the user has said it.
    `suite` is the suite's root as the user named it, `suite_hash` stands for all its files; `started` is UTC, ISO 8601.
    `items` counts each item as often as it is to be run, which is `repeat` times.
    """

    harness: str
    suite: str
    suite_hash: str
    implementations: tuple[Implementation, ...]
    items: int
    machine: Machine
    time_scale: float
    started: str
    repeat: int = 1
    clauses: tuple[StatedClause, ...] = ()
    """Every clause of the suite, whether or not an item of this run checks it."""
    pace: Pace | None = None

    @property
    def second(self) -> str:
        """When the run began, in UTC, without the fraction of the second: `2026-11-24 18:37:05`."""
        return self.started.partition("+")[0].partition(".")[0].replace("T", " ")

    @property
    def scale_in_words(self) -> str:
        """The time scale and where it comes from: `1.7 (measured: a process took 42 ms, 25 ms are normal)`."""
        return f"{self.time_scale:g}" + ("" if self.pace is None else f" (measured: {self.pace})")

    def implementation(self, name: str) -> Implementation:
        """The implementation of that name; KeyError if the run has none."""
        for implementation in self.implementations:
            if implementation.name == name:
                return implementation
        raise KeyError(name)

    def name_of(self, result: Result) -> str:
        """The item, and its round where items are repeated: `talk/echo[tcp]#2`."""
        return result.outcome.item if self.repeat == 1 else f"{result.outcome.item}#{result.round}"

    def level(self, clause: str) -> str | None:
        """The level of a clause, None where the suite does not list it."""
        return next((stated.level for stated in self.clauses if stated.id == clause), None)


@dataclass(frozen=True, slots=True)
class Result:
    """One item's outcome, with the line of the scenario that its failure points at, so that replays need no files.

    `round` tells the outcomes of a repeated item apart; it counts from 1. `passed` is, for an item that wants attention
    and has passed in the same run, what it did then.
    """

    outcome: Outcome
    source: str | None = None
    round: int = 1
    passed: Outcome | None = None


@dataclass(frozen=True, slots=True, order=True)
class NotRun:
    """An item that a run did not get to, because it was interrupted or had seen enough."""

    implementation: str
    item: str
    round: int = 1


@dataclass(frozen=True, slots=True)
class Footer:
    """How the run ended; `seconds` is wall time."""

    seconds: float
    interrupted: bool = False
    not_run: tuple[NotRun, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """A whole run."""

    header: Header
    results: tuple[Result, ...]
    footer: Footer


class Report(Protocol):
    """Something that is told of a run as it goes: `begin` once, `add` for each item as it ends, `end` once."""

    def begin(self, header: Header) -> None:
        """The run begins."""

    def add(self, result: Result) -> None:
        """An item has ended."""

    def end(self, footer: Footer) -> None:
        """The run has ended, or was interrupted."""


def replay(run: Run, reports: Iterable[Report]) -> None:
    """Tell reports of a run that is over."""
    for report in reports:
        report.begin(run.header)
        for result in run.results:
            report.add(result)
        report.end(run.footer)


class AtTheEnd:
    """A report that is made of a whole run: it collects, and writes at the end what `make` makes of the run.

    The stream is UTF-8 and stays its owner's.
    """

    def __init__(self, stream: IO[str], make: Callable[[Run], str]) -> None:
        self._stream = stream
        self._make = make
        self._header: Header | None = None
        self._results: list[Result] = []

    def begin(self, header: Header) -> None:
        """Remember what is run."""
        self._header = header

    def add(self, result: Result) -> None:
        """Remember what came of an item."""
        self._results.append(result)

    def end(self, footer: Footer) -> None:
        """Write the report."""
        assert self._header is not None, "a report begins with its header"
        self._stream.write(self._make(Run(self._header, tuple(self._results), footer)))
        self._stream.flush()


@dataclass(slots=True)
class Tally:
    """Counts verdicts; `str` is the line that closes a run: `34 passed, 1 failed, 2 skipped`."""

    counts: Counter[Verdict] = field(default_factory=Counter)

    def add(self, verdict: Verdict) -> None:
        """Count one more."""
        self.counts[verdict] += 1

    @property
    def is_red(self) -> bool:
        """Whether the run must not be called a success."""
        return any(verdict.is_red for verdict in self.counts)

    @property
    def status(self) -> int:
        """The exit status: 1 if something is red, 3 if nothing is and something is flaky, else 0."""
        return 1 if self.is_red else FLAKY if Verdict.FLAKY in self.counts else 0

    def __str__(self) -> str:
        named = (Verdict.PASSED, Verdict.FAILED)
        return ", ".join(
            f"{self.counts[verdict]} {verdict}" for verdict in Verdict if verdict in named or self.counts[verdict]
        )
