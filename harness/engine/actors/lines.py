"""Bytes from a peer, cut into lines, with a bound on what one line may hold."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

LONGEST_LINE = 64 * 1024
"""Bytes of the longest line that is taken whole."""


class LineEnd(Enum):
    """How a line ended."""

    NEWLINE = "newline"
    STREAM_END = "end of stream"
    """The stream ended, and the line with it."""
    TOO_LONG = "too long"
    """It was cut at the longest length; the rest of it is dropped."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its newline; bytes that are not UTF-8 stand in it as `\\xff`."""

    text: str
    end: LineEnd = LineEnd.NEWLINE


class LineCutter:
    """Cuts a stream into lines; it never holds more than one line of the longest length."""

    def __init__(self) -> None:
        self._partial = bytearray()
        self._is_dropping = False

    @property
    def partial(self) -> str:
        """What has come of a line that has not ended."""
        return _decoded(self._partial)

    def feed(self, data: bytes) -> list[Line]:
        """Take in what was received, and give the lines that it completes."""
        *complete, rest = data.split(b"\n")
        lines = [line for piece in complete for line in (*self._take(piece), *self._complete())]
        return [*lines, *self._take(rest)]

    def take_partial(self) -> bytes:
        """Take out what has come of a line that has not ended."""
        partial = bytes(self._partial)
        self._partial.clear()
        return partial

    def finish(self) -> Line | None:
        """The line that the end of the stream leaves without a newline, if there is one."""
        if not self._partial:
            return None
        line = Line(self.partial, LineEnd.STREAM_END)
        self._partial.clear()
        return line

    def _take(self, piece: bytes) -> list[Line]:
        if self._is_dropping:
            return []
        self._partial += piece
        if len(self._partial) <= LONGEST_LINE:
            return []
        line = Line(_decoded(self._partial[:LONGEST_LINE]), LineEnd.TOO_LONG)
        self._partial.clear()
        self._is_dropping = True
        return [line]

    def _complete(self) -> list[Line]:
        if self._is_dropping:
            self._is_dropping = False
            return []
        line = Line(self.partial)
        self._partial.clear()
        return [line]


def _decoded(data: bytes | bytearray) -> str:
    return data.decode("utf-8", errors="backslashreplace")
