"""A command on a terminal of its own, as a person has it: it can be typed to, and what it shows can be waited for."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import termios
from typing import TYPE_CHECKING, Self

import pexpect
from pexpect import fdpexpect

if TYPE_CHECKING:
    from pathlib import Path

LIMIT = 120.0


class Terminal:
    """`python -m harness`, or another module, on a pty.

    Nothing forks here: `setsid` gives the program its controlling terminal.
    """

    def __init__(self, *arguments: str, cwd: Path, environment: dict[str, str], module: str = "harness") -> None:
        # In development mode asyncio says, on the terminal too, when the machine is busy.
        environment = {name: value for name, value in environment.items() if name != "PYTHONDEVMODE"}
        master, slave = os.openpty()
        termios.tcsetwinsize(slave, (40, 120))
        self.process = subprocess.Popen(
            ["setsid", "--ctty", sys.executable, "-m", module, *arguments],
            stdin=slave, stdout=slave, stderr=slave, cwd=cwd, env=environment,
        )  # fmt: skip
        os.close(slave)
        self._screen = fdpexpect.fdspawn(master, encoding="utf-8", timeout=LIMIT)
        self._screen.delaybeforesend = None
        self.shown = ""
        """Everything that has been waited for."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self._screen.isalive():
            self._screen.close()

    def see(self, text: str) -> str:
        """Wait for a text; gives what came before it."""
        self._screen.expect_exact(text)
        before = str(self._screen.before)
        self.shown += before + text
        return before

    def type(self, line: str) -> None:
        """Type a line, and Enter."""
        self._screen.send(f"{line}\n")

    def press(self, control: str) -> None:
        """Press a key with Ctrl."""
        self._screen.send(chr(ord(control) - 64))

    def hang_up(self) -> None:
        """Close the terminal, as when its window is closed."""
        self._screen.close()

    def end(self) -> int:
        """Wait for the end; gives the exit status."""
        if self._screen.isalive():
            with contextlib.suppress(OSError):  # EIO: what a pty gives whose last user has gone
                self._screen.expect(pexpect.EOF)
            self.shown += str(self._screen.before)
        return self.process.wait(LIMIT)
