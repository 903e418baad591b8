"""Problems as text: the place first, the caret under it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.load.render import file_reader, render_problem, render_problems
from harness.model.source import Location, Problem

if TYPE_CHECKING:
    from pathlib import Path


patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Machines that do much else are slow at times."""


def problem(line: int = 1, column: int = 1, hint: str | None = None) -> Problem:
    return Problem(Location("a.yaml", line, column), "code", "it is wrong", hint)


def rendered(source: str | None, column: int = 1, hint: str | None = None) -> list[str]:
    return render_problem(problem(column=column, hint=hint), lambda _file, _line: source).split("\n")


def test_a_problem_is_its_sentence_the_line_and_a_caret() -> None:
    assert rendered("key: value", 6) == [
        "a.yaml:1:6: it is wrong",
        "    1 | key: value",
        "      |      ^",
    ]


def test_a_hint_stands_behind_the_caret() -> None:
    assert rendered("key: value", 1, "do this")[2] == "      | ^ do this"


@pytest.mark.parametrize("source", [None, "", "  "])
def test_without_a_line_there_is_no_caret(source: str | None) -> None:
    assert rendered(source) == ["a.yaml:1:1: it is wrong"]
    assert rendered(source, 1, "do this") == ["a.yaml:1:1: it is wrong", "     | do this"]


def test_a_place_behind_the_end_of_the_line_has_its_caret_there() -> None:
    assert rendered("ab", 5)[2] == "      |     ^"


def test_tabs_and_wide_characters_move_the_caret_as_they_move_the_text() -> None:
    assert rendered("\tx", 2)[2] == "      | \t^"
    assert rendered("日本x", 3)[2] == "      |     ^"
    assert rendered("e\u0301x", 3)[2].rstrip() == "      |  ^"


def test_a_control_character_is_not_sent_to_the_terminal() -> None:
    assert rendered("a\x1b[31mb", 1)[1] == "    1 | a\N{REPLACEMENT CHARACTER}[31mb"


@patient
@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=400), st.integers(1, 420))
def test_a_line_is_never_too_long_to_read(source: str, column: int) -> None:
    for line in rendered(source, column)[1:2]:
        assert len(line) <= 108


def test_of_a_long_line_the_part_around_the_place_is_shown() -> None:
    source = "a" * 200 + "HERE" + "b" * 200
    _, line, caret = rendered(source, 201)
    assert line.startswith("    1 | ...aaa")
    assert line.endswith("bbb...")
    assert line[caret.index("^") :].startswith("HERE")


def test_problems_follow_each_other() -> None:
    text = render_problems([problem(1, 1), problem(2, 1)], lambda _file, line: f"line {line}")
    assert text == (
        "a.yaml:1:1: it is wrong\n    1 | line 1\n      | ^\na.yaml:2:1: it is wrong\n    2 | line 2\n      | ^"
    )


def test_lines_are_read_from_disk_as_yaml_counts_them(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfone\r\ntwo\rthree\xff\n")
    read = file_reader()
    assert [read(str(path), number) for number in range(6)] == [None, "one", "two", "three\ufffd", "", None]


@pytest.mark.parametrize("name", ["missing", "."])
def test_a_file_without_lines_has_none(name: str, tmp_path: Path) -> None:
    assert file_reader()(str(tmp_path / name), 2) is None
