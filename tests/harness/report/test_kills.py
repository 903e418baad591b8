"""The kill matrix, read back from what `harness mutants --json` prints."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from harness.report.decode import DecodeError
from harness.report.kills import Kill, read_kills

if TYPE_CHECKING:
    from pathlib import Path

MATRIX = {
    "suite_hash": "sha256:3f0c",
    "mutants": [
        {
            "mutant": "forgets",
            "says": "Forgets WINCH.",
            "clauses": ["stat.stop"],
            "fate": "killed",
            "items": {
                "stat/stop[tcp]": {"verdict": "failed", "message": "no end"},
                "stat/stop[unix]": {"verdict": "leaked"},
                "stat/other": {"verdict": "passed"},
            },
        }
    ],
    "without_mutant": ["stop.idle"],
}


def test_who_found_a_mutant_out_is_said_by_scenario(tmp_path: Path) -> None:
    (tmp_path / "kills.json").write_text(json.dumps(MATRIX), encoding="utf-8")
    kills = read_kills(tmp_path / "kills.json")
    assert kills.mutants == (Kill("forgets", "Forgets WINCH.", ("stat.stop",), "killed", ("stat/stop",)),)
    assert kills.of("stat.stop") == kills.mutants
    assert kills.of("stop.idle") == ()
    assert kills.without_mutant == ("stop.idle",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x", "it is not JSON"),
        ("[]", "it is no object"),
        ("{}", "it has no suite_hash"),
        (json.dumps({**MATRIX, "mutants": 1}), "mutants of it is not a list"),
    ],
)
def test_anything_else_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "kills.json").write_text(text, encoding="utf-8")
    with pytest.raises(DecodeError, match=f"kills.json: not what `harness mutants --json` prints: {said}"):
        read_kills(tmp_path / "kills.json")
