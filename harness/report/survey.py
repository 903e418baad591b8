"""What one or several reports say together: implementations across, clauses and scenarios down.

    Run, Run, ... --> survey --> Survey --> the page, the summary in Markdown, badges

The reports must be of one suite, file by file, and each implementation must be in one of them only: a table that mixes
suites would say of an implementation that it lacks what it was never asked for.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from harness.model.outcome import Outcome, Verdict
from harness.report.conformance import LEVELS, Standing, standings
from harness.report.run import Implementation, Result, Run, StatedClause, Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SEVERITY = (
    Verdict.UNSUPPORTED, Verdict.SKIPPED, Verdict.PASSED, Verdict.XFAILED, Verdict.FLAKY,
    Verdict.XPASSED, Verdict.ERRORED, Verdict.LEAKED, Verdict.FAILED,
)  # fmt: skip
"""From what says least against an implementation to what says most."""


class SurveyError(Exception):
    """Reports that do not belong in one table; the sentence says why."""


@dataclass(frozen=True)
class Subject:
    """One implementation, and what the run that judged it says of it."""

    run: Run
    implementation: Implementation
    results: tuple[Result, ...]

    @property
    def name(self) -> str:
        """The implementation's name, which no other subject of a survey has."""
        return self.implementation.name

    @cached_property
    def standings(self) -> dict[str, Standing]:
        """Where each clause of the suite stands."""
        outcomes = (result.outcome for result in self.results)
        return standings(outcomes, (clause.id for clause in self.run.header.clauses))

    @cached_property
    def tally(self) -> Tally:
        """How many items, or rounds of items, had which verdict."""
        return tally(self.results)

    @cached_property
    def by_item(self) -> dict[str, tuple[Result, ...]]:
        """The results of each item, one for each round."""
        found: defaultdict[str, list[Result]] = defaultdict(list)
        for result in self.results:
            found[result.outcome.item].append(result)
        return {item: tuple(results) for item, results in found.items()}

    def of(self, items: Iterable[str]) -> list[Result]:
        """What came of these items, as far as they were run."""
        return [result for item in items for result in self.by_item.get(item, ())]

    @property
    def not_run(self) -> int:
        """How many items the run did not get to."""
        return sum(left_out.implementation == self.name for left_out in self.run.footer.not_run)


@dataclass(frozen=True, slots=True)
class ScenarioRow:
    """A scenario, with the items that its cells are, in alphabetical order, each with the profiles that it needs."""

    path: str
    title: str
    clauses: tuple[str, ...]
    file: str
    items: Mapping[str, tuple[str, ...]]

    @property
    def needs(self) -> tuple[str, ...]:
        """The profiles that one of the items needs."""
        return tuple(sorted({profile for needs in self.items.values() for profile in needs}))

    @property
    def topic(self) -> str:
        """The directory that it stands in, "" for none."""
        return self.path.rpartition("/")[0]


@dataclass(frozen=True)
class Survey:
    """Everything that the reports say; `suite_hash` is the hash that they have in common."""

    runs: tuple[Run, ...]
    subjects: tuple[Subject, ...]
    clauses: tuple[StatedClause, ...]
    suite_hash: str
    scenarios: tuple[ScenarioRow, ...] = field(repr=False)

    @cached_property
    def topics(self) -> dict[str, list[StatedClause]]:
        """The clauses under their headings, in the order of the suite."""
        found: dict[str, list[StatedClause]] = {}
        for clause in self.clauses:
            found.setdefault(clause.topic, []).append(clause)
        return found

    @cached_property
    def checks(self) -> dict[str, list[ScenarioRow]]:
        """The scenarios that name each clause."""
        found: dict[str, list[ScenarioRow]] = {clause.id: [] for clause in self.clauses}
        for scenario in self.scenarios:
            for clause in scenario.clauses:
                found.setdefault(clause, []).append(scenario)
        return found

    def needing(self, profile: str) -> list[str]:
        """The items that need a profile."""
        return [item for row in self.scenarios for item, needs in row.items.items() if profile in needs]

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels that the clauses have, what binds most first."""
        return tuple(level for level in LEVELS if any(clause.level == level for clause in self.clauses))

    @property
    def profiles(self) -> tuple[str, ...]:
        """The profiles that items need or implementations offer, `core` first."""
        needed = {profile for scenario in self.scenarios for profile in scenario.needs}
        offered = {profile for subject in self.subjects for profile in subject.implementation.profiles}
        return tuple(sorted(needed | offered, key=lambda profile: (profile != "core", profile)))


def survey(runs: Sequence[Run]) -> Survey:
    """Put reports side by side. Raises SurveyError if they are of several suites, or judge an implementation twice."""
    hashes = list(dict.fromkeys(run.header.suite_hash for run in runs))
    if len(hashes) != 1:
        raise SurveyError(f"these reports are of different suites, {' and '.join(map(short, hashes))}: run them again")
    subjects = tuple(
        Subject(run, known, tuple(result for result in run.results if result.outcome.implementation == known.name))
        for run in runs
        for known in run.header.implementations
    )
    names = [subject.name for subject in subjects]
    for name in names:
        if names.count(name) > 1:
            raise SurveyError(f"two of these reports judge {name}: give one of them")
    topics = list(dict.fromkeys(clause.topic for clause in runs[0].header.clauses))
    scenarios = _scenarios(result.outcome for subject in subjects for result in subject.results)
    ordered = sorted(scenarios, key=lambda row: (_place(row.topic, topics), row.topic, row.path))
    return Survey(tuple(runs), subjects, runs[0].header.clauses, hashes[0], tuple(ordered))


def tally(results: Iterable[Result]) -> Tally:
    """Their verdicts, counted."""
    counted = Tally()
    for result in results:
        counted.add(result.outcome.verdict)
    return counted


def worst(results: Iterable[Result]) -> Verdict | None:
    """The verdict that says most against the implementation, None without results."""
    return max((result.outcome.verdict for result in results), key=SEVERITY.index, default=None)


def short(suite_hash: str) -> str:
    """As much of a hash as a reader compares: `3f0c81d2a9b4`."""
    return suite_hash.removeprefix("sha256:")[:12]


def _scenarios(outcomes: Iterable[Outcome]) -> list[ScenarioRow]:
    first: dict[str, Outcome] = {}
    items: defaultdict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
    for outcome in outcomes:
        path = outcome.item.partition("[")[0]
        first.setdefault(path, outcome)
        items[path][outcome.item] = outcome.needs
    return [
        ScenarioRow(path, told.title, told.clauses, told.location.file, dict(sorted(items[path].items())))
        for path, told in first.items()
    ]


def _place(topic: str, topics: Sequence[str]) -> int:
    return topics.index(topic) if topic in topics else len(topics)
