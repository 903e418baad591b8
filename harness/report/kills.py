"""What `harness mutants --json` found: which wrong testees the suite finds out, and by which scenarios.

{"suite_hash": "sha256:...", "mutants": [{"mutant": ..., "fate": ..., "items": {...}}, ...], "without_mutant": [...]}
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.model.outcome import Verdict
from harness.report.decode import DecodeError, Fields, text_of

if TYPE_CHECKING:
    from pathlib import Path

KILLED = "killed"


@dataclass(frozen=True, slots=True)
class Kill:
    """A mutant, what is wrong with it, the clauses that it breaks, its fate; `by` are scenarios that found it out."""

    name: str
    says: str
    clauses: tuple[str, ...]
    fate: str
    by: tuple[str, ...]

    @property
    def is_killed(self) -> bool:
        """Whether the suite found it out."""
        return self.fate == KILLED


@dataclass(frozen=True, slots=True)
class Kills:
    """The kill matrix; `without_mutant` are the clauses of level must that no mutant breaks."""

    suite_hash: str
    mutants: tuple[Kill, ...]
    without_mutant: tuple[str, ...]

    def of(self, clause: str) -> tuple[Kill, ...]:
        """The mutants that break a clause."""
        return tuple(mutant for mutant in self.mutants if clause in mutant.clauses)


def read_kills(path: Path) -> Kills:
    """The kill matrix in a file. Raises DecodeError for anything else, and OSError if the file cannot be read."""
    try:
        value = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DecodeError(f"{path}: not what `harness mutants --json` prints: it is not JSON") from error
    if not isinstance(value, dict):
        raise DecodeError(f"{path}: not what `harness mutants --json` prints: it is no object")
    fields = Fields(value, "it")
    try:
        return Kills(fields.text("suite_hash"), fields.each("mutants", _kill), fields.each("without_mutant", text_of))
    except DecodeError as error:
        raise DecodeError(f"{path}: not what `harness mutants --json` prints: {error}") from error


def _kill(fields: Fields) -> Kill:
    verdicts = fields.fields("items")
    found_out = {
        item.partition("[")[0]
        for item in verdicts.names()
        if verdicts.fields(item).text("verdict") in (Verdict.FAILED, Verdict.LEAKED)
    }
    return Kill(
        name=fields.text("mutant"),
        says=fields.text("says"),
        clauses=fields.each("clauses", text_of),
        fate=fields.text("fate"),
        by=tuple(sorted(found_out)),
    )
