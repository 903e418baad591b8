"""A pseudo terminal, opened without a fork of this process, which may have threads.

    harness  --keys-->   master | slave  --standard input-->          program, the leader of its session
             <--shown--         |        <--standard output, error--

The program is started as any other; it is a shell in the first millisecond, which opens the slave by its name. As the
leader of a session that has no terminal it gets that one for its own, and with it Ctrl-C, job control and hang-ups.
"""

from __future__ import annotations

import fcntl
import os
import struct
import termios
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_LOCAL_MODES = 3
_GET_NUMBER = 0x80045430
"""TIOCGPTN, which the standard library has no name for; os.ptsname came with Python 3.13."""
_OF_OUR_TERMINAL = ("COLUMNS", "LINES")
"""Programs believe these more than the window."""


@dataclass(frozen=True, slots=True)
class Pty:
    """A terminal to be opened; `echo` is whether the kernel shows what is typed, until the program has its own way."""

    rows: int
    columns: int
    echo: bool

    def open(self) -> tuple[int, int]:
        """Its two sides, master and slave. Raises OSError where there is none left."""
        master, slave = os.openpty()
        set_window(slave, self.rows, self.columns)
        if not self.echo:
            attributes = termios.tcgetattr(slave)
            attributes[_LOCAL_MODES] &= ~termios.ECHO
            termios.tcsetattr(slave, termios.TCSANOW, attributes)
        return master, slave


def set_window(descriptor: int, rows: int, columns: int) -> None:
    """Give the terminal's window a size; the kernel tells the foreground when it is another than before."""
    termios.tcsetwinsize(descriptor, (rows, columns))


def name_of(master: int) -> str:
    """The path of the terminal, which its program knows it by."""
    (number,) = struct.unpack("i", fcntl.ioctl(master, _GET_NUMBER, bytes(4)))
    return f"/dev/pts/{number}"


def owning_words(slave: int) -> tuple[str, ...]:
    """What to put before the words of a program, in a session of its own, so that the terminal is its session's."""
    return ("/bin/sh", "-c", ': <"$0" && exec "$@"', os.ttyname(slave))


def terminal_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for a program in such a terminal, which knows no colours and no cursor."""
    kept = {name: value for name, value in environment.items() if name not in _OF_OUR_TERMINAL}
    return {**kept, "TERM": "dumb"}
