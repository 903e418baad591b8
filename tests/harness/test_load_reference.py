"""The reference in docs/ is what the harness would print now, and leaves nothing out."""

from __future__ import annotations

import os
from pathlib import Path

from harness.load.reference import reference
from harness.load.steps import KINDS
from harness.model.matchers import OPERATORS
from harness.model.steps import VERBS

FILE = Path(__file__).parents[2] / "docs" / "scenarios.md"


def test_the_file_in_docs_is_up_to_date() -> None:
    if os.environ.get("GOLDEN") == "write":
        FILE.write_text(reference(), encoding="utf-8")
    assert FILE.read_text(encoding="utf-8") == reference(), "GOLDEN=write in the environment writes it anew"


def test_every_actor_verb_and_operator_is_in_it() -> None:
    text = reference()
    assert [word for word in (*KINDS, *VERBS) if f"\n### {word}\n" not in text] == []
    assert [word for word in OPERATORS if f"\n| `{word}` |" not in text] == []
