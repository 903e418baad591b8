"""The keys of a terminal that are no characters, and what each of them sends."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ENTER = "\r"
"""What the end of a line is while it is typed; the terminal makes a newline of it, unless a program tells it not to."""

_CONTROL = 0x1F

KEYS: Mapping[str, str] = MappingProxyType(
    {
        **{f"ctrl-{letter}": chr(ord(letter) & _CONTROL) for letter in "abcdefghijklmnopqrstuvwxyz"},
        "ctrl-backslash": "\x1c",
        "enter": ENTER,
        "tab": "\t",
        "escape": "\x1b",
        "backspace": "\x7f",
        "up": "\x1b[A",
        "down": "\x1b[B",
        "right": "\x1b[C",
        "left": "\x1b[D",
        "home": "\x1b[H",
        "end": "\x1b[F",
        "delete": "\x1b[3~",
        "page-up": "\x1b[5~",
        "page-down": "\x1b[6~",
    }
)
"""The keys by their names. Ctrl-C interrupts, Ctrl-D ends the input, Ctrl-Z suspends, Ctrl-\\ quits."""
