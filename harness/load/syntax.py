"""What is said about text that is no YAML: the parser's sentence, in the words of someone who writes scenarios."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.load.codes import Code
from harness.model.source import Location, Problem

LINE_END = re.compile("\r\n|\r|\n")
"""Where lines end for YAML, and so for every line number in a report."""

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_ESCAPE = re.compile(r"\\U([0-9A-Fa-f]{8})")
_LAST_CHARACTER = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)


def location_of(text: str, file: str, at: int) -> Location:
    """The place of the character at an index of the text."""
    before = LINE_END.split(text[:at])
    return Location(file, len(before), len(before[-1]) + 1)


def find_unprintable(text: str, file: str) -> Problem | None:
    """What is wrong with the first character that may not stand in YAML as it is, if there is one.

    Line and paragraph separators are among them: whether they end a line is a matter of the YAML version.
    """
    found = _UNPRINTABLE.search(text)
    if found is None:
        return None
    number = ord(found[0])
    message = f"the character U+{number:04X} may not stand in the file"
    hint = None if number in _SURROGATES else f'between double quotes it can be written as "\\u{number:04X}"'
    return Problem(location_of(text, file, found.start()), Code.CHARACTER, message, hint)


def escape_problem(text: str, file: str) -> Problem:
    """What is wrong with text in which an escape stands for no character."""
    beyond = (found.start() for found in _ESCAPE.finditer(text) if int(found[1], 16) > _LAST_CHARACTER)
    return Problem(
        location_of(text, file, next(beyond, 0)),
        Code.CHARACTER,
        "an escape here stands for no character",
        "the last one is \\U0010FFFF",
    )


@dataclass(frozen=True, slots=True)
class _Wording:
    """What a user is told when the parser's own sentence has `said` in it.

    With `at_beginning` the place is where the broken thing begins, which helps more than where it broke; `{line}` is
    the line of the other place.
    """

    said: str
    message: str
    hint: str | None = None
    code: Code = Code.SYNTAX
    at_beginning: bool = False


_TAB = "a tab stands where only spaces may"
_SPACES = "indent and separate with spaces"
_QUOTE = "the quote that is opened here is never closed"

_WORDINGS = (
    _Wording("'\\t'", _TAB, _SPACES, Code.TAB),
    _Wording("tab character", _TAB, _SPACES, Code.TAB),
    _Wording(
        "mapping values are not allowed",
        "there is no place for a key here, and `: ` makes one",
        "put text that has `: ` in it between quotes, or correct the indentation",
    ),
    _Wording(
        "sequence entries are not allowed",
        "a list cannot begin here",
        "begin it on a line of its own, or put text that begins with `- ` between quotes",
    ),
    _Wording("could not find expected ':'", "a key needs a `:` after it", at_beginning=True),
    _Wording("found unexpected end of stream", _QUOTE, at_beginning=True),
    _Wording("found unexpected document separator", _QUOTE, at_beginning=True),
    _Wording("cannot start any token", "no value can begin with this character", "put the text between quotes"),
    _Wording("unknown escape", "there is no such escape", "between single quotes, a backslash is a backslash"),
    _Wording(
        "expected ',' or ']'",
        "the `[` that is opened here lacks a `,` or its `]`",
        "it was noticed at line {line}",
        at_beginning=True,
    ),
    _Wording(
        "expected ',' or '}'",
        "the `{{` that is opened here lacks a `,` or its `}}`",
        "it was noticed at line {line}",
        at_beginning=True,
    ),
    _Wording(
        "expected <block end>",
        "this does not go on with what began at line {line}",
        "check the indentation, and quotes that end too early",
    ),
)


def syntax_problem(said: str, place: Location, *, context: str | None, begun: Location | None) -> Problem:
    """The problem that a parser stated as `said`; `context` is what it was at, which began at `begun`."""
    wording = next((wording for wording in _WORDINGS if wording.said in said), None)
    if wording is None:
        trailer = f" {context}, which began at line {begun.line}" if context and begun else ""
        return Problem(place, Code.SYNTAX, f"{said}{trailer}", "check indentation, brackets and quotes")
    other = begun or place
    if wording.at_beginning:
        place, other = other, place
    hint = None if wording.hint is None else wording.hint.format(line=other.line)
    return Problem(place, wording.code, wording.message.format(line=other.line), hint)
