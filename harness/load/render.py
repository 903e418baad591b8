"""Problems as text: where, what, the line itself, a caret under the place, and what to do.

    scenarios/restart/lossless.yaml:12:5: `sent` is not an option of `talk`
       12 |     sent: echo one
          |     ^ did you mean `send`?

The location comes first, so that editors and test runners find it.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from harness.load.syntax import LINE_END

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from harness.model.source import Problem

_WIDEST_LINE = 100


def render_problems(problems: Iterable[Problem], read_line: Callable[[str, int], str | None] | None = None) -> str:
    """The problems, one block each, without a newline at the end.

    `read_line` gives the line of a file, from 1, or None when there is none; by default files are read from disk.
    """
    read = read_line or file_reader()
    return "\n".join(render_problem(problem, read) for problem in problems)


def render_problem(problem: Problem, read_line: Callable[[str, int], str | None]) -> str:
    """One problem: its sentence, and below it the line with a caret, where the line can be read."""
    location = problem.location
    source = read_line(location.file, location.line)
    if not source or source.isspace():
        return f"{problem}\n     | {problem.hint}" if problem.hint else str(problem)
    shown, column = _window(source, location.column)
    padding = "".join(_blank(character) for character in shown[: column - 1]) + " " * (column - 1 - len(shown))
    hint = f" {problem.hint}" if problem.hint else ""
    return f"{problem}\n{location.line:>5} | {_printable(shown)}\n      | {padding}^{hint}"


def file_reader() -> Callable[[str, int], str | None]:
    """A function from file and line number to the line; each file is read once."""

    @cache
    def lines_of(file: str) -> list[str]:
        try:
            text = Path(file).read_text(encoding="utf-8", errors="replace") if Path(file).is_file() else ""
        except OSError:
            return []
        return LINE_END.split(text.removeprefix("\ufeff"))

    def read_line(file: str, line: int) -> str | None:
        lines = lines_of(file)
        return lines[line - 1] if 0 < line <= len(lines) else None

    return read_line


def _window(source: str, column: int) -> tuple[str, int]:
    """The part of a long line around the column, and the column within it."""
    if len(source) <= _WIDEST_LINE:
        return source, column
    start = max(0, min(column - _WIDEST_LINE // 2, len(source) - _WIDEST_LINE))
    part = source[start : start + _WIDEST_LINE]
    if start:
        part = f"...{part[3:]}"
    if start + _WIDEST_LINE < len(source):
        part = f"{part[:-3]}..."
    return part, column - start


def _printable(text: str) -> str:
    return "".join(c if c == "\t" or c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _blank(character: str) -> str:
    """Blanks as wide as the character, so that the caret stands under its place on a terminal."""
    if character == "\t":
        return "\t"
    if unicodedata.combining(character):
        return ""
    return "  " if unicodedata.east_asian_width(character) in "WF" else " "
