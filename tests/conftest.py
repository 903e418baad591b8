"""Shared by the tests that run whole programs: how they are started, watched from outside, and stopped."""

import contextlib
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes is the machine's affair, and says nothing of what is tested.
settings.register_profile("patient", settings(), deadline=None)
settings.load_profile("patient")

# For what is started here: limits in messages are to be the same on any machine. The suite itself is judged as it is.
os.environ.setdefault("HARNESS_TIME_SCALE", "1")

# In the background of a shell without job control SIGINT is ignored, by whatever is started there and by its children.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

DEADLINE_SECONDS = 60.0
"""Far above what anything here takes; a test that reaches it has failed."""


def eventually(condition: Callable[[], object], what: str) -> None:
    """Wait for a condition that has no descriptor to wait on."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    pause = select.poll()
    while not condition():
        assert time.monotonic() < deadline, f"not within {DEADLINE_SECONDS} s: {what}"
        pause.poll(5)


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


class Program:
    """A Python program that runs in the folder `place`, in a process group of its own, with every warning an error."""

    def __init__(self, path: Path, *arguments: str | Path, place: Path) -> None:
        self.name = path.name
        self._errors = place / f"{self.name}.stderr"
        command = [sys.executable, "-X", "dev", "-W", "error", path, *arguments]
        with self._errors.open("wb") as errors, (place / f"{self.name}.stdout").open("wb") as output:
            self._process = subprocess.Popen(command, cwd=place, stdout=output, stderr=errors, start_new_session=True)
        self.pid = self._process.pid

    @property
    def errors(self) -> str:
        """What it has said on its standard error."""
        return self._errors.read_text(encoding="utf-8")

    def port(self) -> int:
        """The TCP port it listens on, once it does."""
        return await_port(self.pid, lambda: f"{self.name} listens on a port; it has said: {self.errors}")

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self) -> int:
        """Its exit status, when it has one."""
        return self._process.wait(DEADLINE_SECONDS)

    def stop(self) -> None:
        """Ask it to stop gracefully, as anybody would, and see that it does."""
        self.send(signal.SIGTERM)
        assert (self.wait(), self.errors) == (0, "")

    def kill(self) -> None:
        """Leave nothing behind, whatever has happened."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()


@contextlib.contextmanager
def running(path: Path, *arguments: str | Path, place: Path) -> Iterator[Program]:
    """A program for as long as the block lasts; in the end it is told to stop, and has to have ended well."""
    program = Program(path, *arguments, place=place)
    try:
        yield program
        program.stop()
    except BaseException as error:
        error.add_note(f"{program.name} has said: {program.errors or 'nothing'}")
        raise
    finally:
        program.kill()


def await_port(pid: int, what: Callable[[], str]) -> int:
    """The first TCP port that a process listens on, once it does."""
    found: list[int] = []

    def is_there_or_gone() -> bool:
        found[:] = listening_ports(pid)
        return bool(found) or has_ended(pid)

    eventually(is_there_or_gone, "a process listens")
    assert found, f"ended before this: {what()}"
    return found[0]


def listening_ports(pid: int) -> list[int]:
    """The TCP ports that a process listens on; one look may miss one, since the kernel's table changes meanwhile."""
    with contextlib.suppress(OSError):  # The process may end at any moment.
        links = [str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()]
        inodes = {link.removeprefix("socket:[").removesuffix("]") for link in links if link.startswith("socket:[")}
        rows = [
            row.split()
            for table in ("tcp", "tcp6")
            for row in Path(f"/proc/{pid}/net/{table}").read_text(encoding="utf-8").splitlines()[1:]
        ]
        listens = "0A"
        return sorted(int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == listens and row[9] in inodes)
    return []


def has_ended(pid: int) -> bool:
    """Whether a process is gone, or waits for its parent to look at its exit status."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()]


@contextlib.contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("localhost", port), DEADLINE_SECONDS) as client:
        yield client


def talk(port: int, *lines: bytes) -> list[bytes]:
    """What comes back for each line, and in the end, when we have ended our side."""
    with connected(port) as client, client.makefile("rb") as answers:
        heard = []
        for line in lines:
            client.sendall(line)
            heard.append(answers.readline())
        client.shutdown(socket.SHUT_WR)
        return [*heard, answers.read()]


def curl(*arguments: str) -> str:
    """What curl prints."""
    limit = str(int(DEADLINE_SECONDS))
    command = ["curl", "--silent", "--show-error", "--max-time", limit, *arguments]
    return subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout
