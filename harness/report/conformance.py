"""From outcomes to what they say about the clauses: which hold, which do not, which nobody has judged.

A clause holds if an item that names it passed and none of them is red, flaky or a known failure. An item that was
skipped, unsupported or not run says nothing.
"""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING

from harness.model.outcome import Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.report.run import Header

LEVELS = ("must", "should", "may")


class Standing(StrEnum):
    """What the items of a run say about one clause, the strongest statement last."""

    OPEN = "not judged"
    PASSED = "passed"
    KNOWN = "known"
    """It fails as the implementation's manifest says."""
    FAILED = "failed"


def standings(outcomes: Iterable[Outcome], clauses: Iterable[str]) -> dict[str, Standing]:
    """Where each of the clauses stands."""
    order = list(Standing)
    found = dict.fromkeys(clauses, Standing.OPEN)
    for outcome in outcomes:
        standing = _standing(outcome.verdict)
        for clause in outcome.clauses:
            if clause in found:
                found[clause] = max(found[clause], standing, key=order.index)
    return found


def summary_table(header: Header, outcomes: Iterable[Outcome], *, title: str = "clauses") -> list[str]:
    """Topics of clauses down, levels across, in each cell how many clauses passed and failed; [] without clauses.

    Only topics that the outcomes say something about have a row; the last row counts what they leave open.
    """
    stands = standings(outcomes, (clause.id for clause in header.clauses))
    cells: dict[str, dict[str, Counter[Standing]]] = {}
    for clause in header.clauses:
        cells.setdefault(clause.topic, {}).setdefault(clause.level, Counter())[stands[clause.id]] += 1
    levels = [level for level in LEVELS if any(level in row for row in cells.values())]
    judged = {topic: row for topic, row in cells.items() if any(cell(counts) != "-" for counts in row.values())}
    if not judged:
        return []
    table = [[title, *levels]]
    table += [[topic, *(cell(row.get(level, Counter())) for level in levels)] for topic, row in judged.items()]
    left_open = [sum(row.get(level, Counter())[Standing.OPEN] for row in cells.values()) for level in levels]
    if any(left_open):
        table.append(["not judged", *map(str, left_open)])
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return ["   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]


def _standing(verdict: Verdict) -> Standing:
    if verdict.is_red:
        # A harness or adapter that broke proves nothing against the clause.
        return Standing.OPEN if verdict is Verdict.ERRORED else Standing.FAILED
    match verdict:
        case Verdict.PASSED:
            return Standing.PASSED
        case Verdict.FLAKY:
            return Standing.FAILED
        case Verdict.XFAILED:
            return Standing.KNOWN
        case _:
            return Standing.OPEN


def counted(stands: Mapping[str, Standing], clauses: Iterable[str]) -> Counter[Standing]:
    """How many of these clauses stand where."""
    return Counter(stands[clause] for clause in clauses)


def cell(counts: Counter[Standing]) -> str:
    """What a table says of some clauses: `9 passed, 1 known`, "-" if nothing judged them."""
    said = [
        f"{counts[standing]} {standing}" for standing in Standing if standing is not Standing.OPEN and counts[standing]
    ]
    return ", ".join(said) or "-"
