"""`harness mutants`: the kill matrix, which says what the suite is worth."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING

from harness.cli.refusal import RefusedError
from harness.cli.suites import count, hash_of, paths_or_default, refusal
from harness.engine.calibration import scale_of
from harness.engine.runner import Engine, run_many
from harness.engine.settings import Settings
from harness.implementations import UnknownImplementationError, find, folders
from harness.judging import outcome_without_running
from harness.load.manifest import load_manifest
from harness.load.suite import load_suite
from harness.model.source import InvalidInputError
from harness.mutants import FOLDER, Fate, Mutant, MutantError, Row, in_turn, load_mutants, without_mutant
from harness.selection import hint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from harness.cli.arguments import Mutants
    from harness.load.suite import Suite
    from harness.model.manifest import Manifest
    from harness.model.outcome import Outcome
    from harness.model.scenario import Scenario


def mutants(command: Mutants) -> int:
    """Judge the mutants and print what became of them; 1 if one survives, 0 if not."""
    paths = paths_or_default(command.paths)
    suite = load_suite(paths)
    if suite.problems:
        raise refusal(suite.problems)
    where = folders(paths)
    known = _load(where, suite)
    rows = [Row(mutant, mutant.items(suite.scenarios)) for mutant in _chosen(known, command.only)]
    _run(rows, _reference(where), command, tell=None if command.json else _tell)
    unbroken = () if command.only else without_mutant(suite.clauses, known)
    if command.json:
        data = {
            "suite_hash": hash_of(suite),
            "mutants": [_data(row) for row in rows],
            "without_mutant": list(unbroken),
        }
        sys.stdout.write(json.dumps(data, indent=2) + "\n")
    else:
        sys.stdout.write("\n" + "".join(f"{line}\n" for line in _summary(rows, unbroken)))
    return int(any(row.fate is Fate.SURVIVED for row in rows))


def _load(where: Sequence[Path], suite: Suite) -> tuple[Mutant, ...]:
    for folder in where:
        if (folder / FOLDER).is_dir():
            try:
                return load_mutants(folder / FOLDER, suite.clauses)
            except (MutantError, OSError, SyntaxError) as error:
                raise RefusedError.of(error) from error
    raise RefusedError.of(f"there is no directory {FOLDER} in {', '.join(map(str, where))}")


def _chosen(known: Sequence[Mutant], only: Sequence[str]) -> list[Mutant]:
    names = [mutant.name for mutant in known]
    for name in only:
        if name not in names:
            raise RefusedError.of(f"there is no mutant {name!r}{hint(name, names)}")
    return [mutant for mutant in known if mutant.name in only or (not only and mutant.clauses)]


def _reference(where: Sequence[Path]) -> Manifest:
    try:
        return load_manifest(find(None, where).path)
    except InvalidInputError as error:
        raise refusal(error.problems) from error
    except UnknownImplementationError as error:
        raise RefusedError.of(error) from error


def _run(rows: Sequence[Row], reference: Manifest, command: Mutants, *, tell: Callable[[Row], None] | None) -> None:
    by_name = {row.mutant.name: row for row in rows}
    left = {row.mutant.name: len(row.items) for row in rows}

    def on_end(tries: Sequence[Outcome]) -> None:
        (outcome,) = tries
        row = by_name[outcome.implementation]
        row.add(outcome)
        done(row)

    def done(row: Row) -> None:
        left[row.mutant.name] -= 1
        if tell is not None and not left[row.mutant.name]:
            tell(row)

    def items() -> Iterator[tuple[Scenario, Manifest]]:
        for scenario, row in in_turn(rows):
            manifest = row.mutant.manifest(reference)
            outcome = outcome_without_running(scenario, manifest)
            if outcome is not None:
                on_end([outcome])
            elif command.first and row.fate is Fate.KILLED:
                done(row)
            else:
                yield scenario, manifest

    for row in rows:
        if tell is not None and not row.items:
            tell(row)
    with Engine(Settings(time_scale=scale_of(command.time_scale))) as engine:
        asyncio.run(run_many(items(), engine, jobs=command.jobs, on_end=on_end))


def _tell(row: Row) -> None:
    killed = [f"{path} {kills} of {cells}" for path, (kills, cells) in row.kills().items()]
    said = f"{row.fate:<10}  {row.mutant.name}  breaks {', '.join(row.mutant.clauses) or 'no clause'}"
    sys.stdout.write(f"{said}: {', '.join(killed) or 'no scenario judged it'}\n")
    sys.stdout.flush()


def _summary(rows: Sequence[Row], unbroken: Sequence[str]) -> Iterator[str]:
    if unbroken:
        yield f"clauses of level must without a mutant: {', '.join(unbroken)}"
    fates = [row.fate for row in rows]
    yield f"{count(len(rows), 'mutant')}: {', '.join(f'{fates.count(fate)} {fate}' for fate in Fate)}"


def _data(row: Row) -> dict[str, object]:
    return {
        "mutant": row.mutant.name,
        "says": row.mutant.says,
        "clauses": row.mutant.clauses,
        "fate": row.fate.value,
        "items": {item: _judgement(outcome) for item, outcome in sorted(row.outcomes.items())},
    }


def _judgement(outcome: Outcome) -> dict[str, str]:
    said = {"verdict": outcome.verdict.value}
    return said if outcome.failure is None else {**said, "message": outcome.failure.message}
