"""Every mistake that a file can have is told as the golden file beside it says, character for character.

`golden/load/NAME.input` is the file, `NAME.expected` what is said about it. The beginning of the name says what kind of
file it is; most are scenarios. With GOLDEN=write in the environment the expected files are written anew, to be read
before they are committed.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.load.clauses import load_clauses
from harness.load.codes import Code
from harness.load.manifest import load_manifest
from harness.load.render import render_problems
from harness.load.scenario import load_scenarios
from harness.model.clauses import Clause, Level, Source
from harness.model.source import InvalidInputError, Location

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.model.source import Problem

GOLDEN = Path(__file__).parent / "golden" / "load"
INPUTS = sorted(path.stem for path in GOLDEN.glob("*.input"))

CLAUSES = {
    "server.echo": Clause(
        location=Location("clauses.yaml", 1, 1),
        topic="server",
        id="server.echo",
        level=Level.MUST,
        source=Source.README,
        says="it echoes",
    )
}

ELSEWHERE = {Code.TOO_DEEP, Code.TOO_MANY, Code.TOO_LARGE, Code.UNREADABLE, Code.NO_SCENARIOS, Code.DUPLICATE_ITEM}
"""Told about files that are too large to keep, or about directories: see test_load_yaml and test_load_suite."""


def problems_of(name: str) -> tuple[Problem, ...]:
    load: Callable[[Path], object]
    match name.split("-", maxsplit=1)[0]:
        case "manifest":
            load = load_manifest
        case "list":
            load = load_clauses
        case "clauses":
            load = functools.partial(load_scenarios, root=Path(), clauses=CLAUSES)
        case _:
            load = functools.partial(load_scenarios, root=Path())
    with pytest.raises(InvalidInputError) as caught:
        load(Path(f"{name}.input"))
    return caught.value.problems


@pytest.mark.parametrize("name", INPUTS)
def test_a_mistake_is_told_as_the_golden_file_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(GOLDEN)
    rendered = render_problems(problems_of(name)) + "\n"
    expected = Path(f"{name}.expected")
    if os.environ.get("GOLDEN") == "write":
        expected.write_text(rendered, encoding="utf-8")
    assert rendered == expected.read_text(encoding="utf-8")


def test_every_kind_of_problem_has_a_golden_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(GOLDEN)
    told = {problem.code for name in INPUTS for problem in problems_of(name)}
    assert told == set(Code) - ELSEWHERE


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.glob("*.expected")} == set(INPUTS)
