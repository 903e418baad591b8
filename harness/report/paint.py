"""Colour, where it is wanted: what a line is decides how it is painted, and without colour nothing changes but that.

NO_COLOR switches colour off and FORCE_COLOR switches it on, whatever the stream is; else a terminal has colour, unless
it is a dumb one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import IO, TYPE_CHECKING

from harness.model.outcome import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping


class Role(StrEnum):
    """What a line of a failure block is."""

    TITLE = "title"
    PLACE = "place"
    SOURCE = "source"
    MESSAGE = "message"
    CLOCK = "clock"
    MOMENT = "moment"
    DECISIVE = "decisive"
    HELP = "help"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a failure block, without its end."""

    role: Role
    text: str


class Colour(StrEnum):
    """The ANSI attributes in use."""

    RED = "31"
    GREEN = "32"
    YELLOW = "33"
    BOLD = "1"
    FAINT = "2"


_RED_TITLE = re.compile(r"^\S+")
_CARET = re.compile(r"\^.*$")


@dataclass(frozen=True, slots=True)
class Palette:
    """Paints, or leaves text as it is."""

    is_on: bool

    def text(self, text: str, *colours: Colour) -> str:
        """The text in these colours."""
        if not self.is_on or not text:
            return text
        return f"\x1b[{';'.join(colours)}m{text}\x1b[0m"

    def line(self, line: Line) -> str:
        """A line of a failure block."""
        match line.role:
            case Role.TITLE:
                return _RED_TITLE.sub(lambda match: self.text(match[0], Colour.BOLD, Colour.RED), line.text)
            case Role.MESSAGE:
                return _CARET.sub(lambda match: self.text(match[0], Colour.RED), line.text, count=1)
            case Role.DECISIVE:
                return self.text(line.text, Colour.RED)
            case Role.PLACE:
                return self.text(line.text, Colour.BOLD)
            case Role.CLOCK | Role.HELP:
                return self.text(line.text, Colour.FAINT)
            case Role.SOURCE | Role.MOMENT:
                return line.text

    def verdict(self, verdict: Verdict, text: str) -> str:
        """Text that stands for a verdict."""
        if verdict.is_red:
            return self.text(text, Colour.BOLD, Colour.RED)
        if verdict is Verdict.PASSED:
            return self.text(text, Colour.GREEN)
        return self.text(text, Colour.YELLOW)


def wants_colour(stream: IO[str], environment: Mapping[str, str]) -> bool:
    """Whether text on this stream is to be in colour."""
    if environment.get("NO_COLOR"):
        return False
    return bool(environment.get("FORCE_COLOR")) or (stream.isatty() and environment.get("TERM") != "dumb")
