"""Text from anywhere, made safe for a terminal and measured in its columns.

What an implementation logs or sends may hold escape sequences, invalid UTF-8 or characters that change the direction
of writing; none of that must reach a terminal, an XML file or a log of a build server.
"""

from __future__ import annotations

import unicodedata


def printable(text: str) -> str:
    """The text in one line, with everything that is not printable as an escape: `\\x1b`, `\\n`, `\\udc80`."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def columns(text: str) -> int:
    """How many columns a printable text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(_columns_of(character) for character in text)


def cut(text: str, width: int) -> str:
    """The text, or as much of it as fits `width` columns with "..." for the rest."""
    if columns(text) <= width:
        return text
    return _beginning(text, width - 3).rstrip() + "..."


def pad(text: str, width: int) -> str:
    """The text with blanks up to `width` columns."""
    return text + " " * (width - columns(text))


def wrap(text: str, width: int, *, lines: int) -> list[str]:
    """The text over at most `lines` lines of `width` columns, broken between words where that is possible."""
    wrapped: list[str] = []
    rest = text
    while columns(rest) > width and len(wrapped) < lines - 1:
        line = _beginning(rest, width) or rest[0]
        last_blank = line.rfind(" ")
        if last_blank > 0 and not rest[len(line) :].startswith(" "):
            line = line[:last_blank]
        wrapped.append(line.rstrip())
        rest = rest[len(line) :].lstrip()
    return [*wrapped, cut(rest, width)]


def _beginning(text: str, width: int) -> str:
    """The longest beginning that takes at most `width` columns."""
    room = width
    for index, character in enumerate(text):
        room -= _columns_of(character)
        if room < 0:
            return text[:index]
    return text


def _columns_of(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
