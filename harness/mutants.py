"""Mutants: testees that are wrong on purpose, each in one way, and whether the scenarios of its clause find that out.

A suite is worth what it catches. A mutant is a program of a few lines that patches the reference and then runs it. Its
docstring says what it does, and which clauses it breaks, in a sentence of its own at the end:

    \"\"\"Takes a graceful restart for a forced one. Breaks restart.graceful.\"\"\"

It is killed when an item that names one of these clauses is failed or leaks; a harness that broke proves nothing. What
survives is a hole in the suite. A mutant may say `Breaks no clause: ...`; then there is no scenario to judge it by.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import zip_longest
from typing import TYPE_CHECKING

from harness.model.outcome import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from harness.model.clauses import Clauses
    from harness.model.manifest import Manifest
    from harness.model.outcome import Outcome
    from harness.model.scenario import Scenario

FOLDER = "mutants"
"""Below a directory of manifests."""
_BREAKS = re.compile(r"(?P<says>.*?)\s*\bBreaks (?P<clauses>no clause:|[\w.]+(?:(?:, | and )[\w.]+)*\.)", re.DOTALL)
_KILLS = (Verdict.FAILED, Verdict.LEAKED)
_JUDGES = (Verdict.PASSED, *_KILLS)


class MutantError(Exception):
    """A file among the mutants that does not say what it breaks, or breaks what is no clause."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Mutant:
    """A wrong testee: its program, what is wrong with it, and the clauses that it breaks."""

    name: str
    path: Path
    says: str
    clauses: tuple[str, ...]

    def manifest(self, reference: Manifest) -> Manifest:
        """The mutant as an implementation: the reference's manifest with another program, started the same way."""
        command = (reference.command[0], str(self.path.absolute()))
        return replace(reference, name=self.name, version="0", command=command, known=())

    def items(self, scenarios: Iterable[Scenario]) -> list[Scenario]:
        """What is to find it out."""
        return [scenario for scenario in scenarios if not set(scenario.clauses).isdisjoint(self.clauses)]


def load_mutants(folder: Path, clauses: Clauses) -> tuple[Mutant, ...]:
    """All mutants of a directory, by name. Raises MutantError, OSError, and SyntaxError for what is no Python."""
    return tuple(_load(path, clauses) for path in sorted(folder.glob("*.py")))


def _load(path: Path, clauses: Clauses) -> Mutant:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"), str(path))) or ""
    told = _BREAKS.match(docstring)
    if told is None:
        raise MutantError(path, "its docstring does not end with `Breaks CLAUSE.` or `Breaks no clause: ...`")
    broken = () if told["clauses"] == "no clause:" else tuple(re.split(", | and ", told["clauses"].removesuffix(".")))
    for clause in broken:
        if clause not in clauses:
            raise MutantError(path, f"it breaks {clause}, which is no clause of the suite")
    return Mutant(path.stem, path, " ".join(told["says"].split()), broken)


class Fate(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    SURVIVED = "survived"
    NOT_JUDGED = "not judged"
    """No item of its clauses was run to its end: there is none, or this machine lacks something."""


@dataclass(slots=True)
class Row:
    """A mutant and what its items said: a row of the kill matrix."""

    mutant: Mutant
    items: Sequence[Scenario]
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def add(self, outcome: Outcome) -> None:
        """An item has ended."""
        self.outcomes[outcome.item] = outcome

    @property
    def fate(self) -> Fate:
        """By what its items have said so far."""
        said = {outcome.verdict for outcome in self.outcomes.values()}
        if not said.isdisjoint(_KILLS):
            return Fate.KILLED
        return Fate.SURVIVED if Verdict.PASSED in said else Fate.NOT_JUDGED

    def kills(self) -> dict[str, tuple[int, int]]:
        """For each of the scenarios that judged it, in how many cells it was found out, and how many there were."""
        counts: dict[str, tuple[int, int]] = {}
        for item, outcome in self.outcomes.items():
            if outcome.verdict in _JUDGES:
                killed, judged = counts.get(path := item.partition("[")[0], (0, 0))
                counts[path] = killed + (outcome.verdict in _KILLS), judged + 1
        return counts


def in_turn(rows: Iterable[Row]) -> Iterator[tuple[Scenario, Row]]:
    """All items of all rows, the first of each first, so that each mutant is judged soon."""
    for turn in zip_longest(*([(item, row) for item in row.items] for row in rows)):
        yield from (pair for pair in turn if pair is not None)


def without_mutant(clauses: Clauses, mutants: Iterable[Mutant]) -> tuple[str, ...]:
    """The clauses of level must that no mutant breaks."""
    broken = {clause for mutant in mutants for clause in mutant.clauses}
    return tuple(clause.id for clause in clauses.values() if clause.level == "must" and clause.id not in broken)
