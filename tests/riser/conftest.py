"""Shared by the tests of riser: descriptors watched, servers run in processes of their own, waits with deadlines."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

DEADLINE_SECONDS = 60.0
"""Far above what anything here takes; a test that reaches it has failed."""

PROBE = Path(__file__).with_name("probe_server.py")


def wait_readable(descriptor: int, seconds: float = DEADLINE_SECONDS) -> bool:
    """Whether the descriptor became readable in time."""
    return bool(select.select([descriptor], [], [], seconds)[0])


def eventually(condition: Callable[[], object], what: str, seconds: float = DEADLINE_SECONDS) -> None:
    """Wait for a condition that has no descriptor to wait on."""
    deadline = time.monotonic() + seconds
    pause = select.poll()
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        pause.poll(2)


def open_descriptors() -> set[int]:
    """The descriptors of this process."""
    return {int(entry.name) for entry in Path("/proc/self/fd").iterdir() if entry.exists()}


def alive(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def thread_states(pid: int) -> set[str]:
    """What the threads of a living process do: "S" for those that sleep, "T" for those that are stopped."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return {(task / "stat").read_text().rpartition(")")[2].split()[0] for task in tasks}


def waiting_at(port: int) -> int:
    """How many wait at a port to be accepted: on a busy machine a client is connected before the listener knows."""
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    (queues,) = [row[4] for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "0A"]
    return int(queues.rpartition(":")[2], 16)


def _threads_unknown_to_python() -> set[int]:
    """Those that end, and those that others have made."""
    known = {os.getpid(), *(thread.native_id for thread in threading.enumerate())}
    return {int(entry.name) for entry in Path("/proc/self/task").iterdir()} - known


_NOT_OURS = _threads_unknown_to_python()
"""The test runner's."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """Wait until no thread of an earlier test is still ending: a test may fork.

    Before Python 3.13 `join` returns while a thread still takes leave of the libraries that it has used, OpenSSL among
    them, under a lock. A child that is forked then has that lock as it is, and waits for it for ever.
    """
    eventually(lambda: _threads_unknown_to_python() <= _NOT_OURS, "no thread of an earlier test is left")
    return (yield)


@pytest.fixture
def no_descriptor_left() -> Iterator[None]:
    """Fails a test after which more descriptors are open than before."""
    before = open_descriptors()
    yield
    assert open_descriptors() <= before


@pytest.fixture
def short_path(tmp_path: Path) -> Iterator[Path]:
    """A directory whose name is short enough for Unix sockets, wherever pytest keeps its own."""
    link = Path(f"/tmp/riser-{os.getpid()}-{time.monotonic_ns() % 10**9}")
    link.symlink_to(tmp_path)
    yield link
    link.unlink()


class Client:
    """A connection to a server, as lines."""

    def __init__(self, name: object) -> None:
        self.socket = socket.socket(_family(name), socket.SOCK_STREAM)
        self.socket.settimeout(DEADLINE_SECONDS)
        try:
            self.socket.connect(tuple(name) if isinstance(name, list) else name)  # type: ignore[arg-type]  # from JSON
        except OSError:
            self.socket.close()
            raise
        self._reader = self.socket.makefile("rb")

    def say(self, line: str) -> None:
        """Send a command."""
        self.socket.sendall(line.encode() + b"\n")

    def hear(self) -> str | None:
        """The next answer; None if the server has ended the connection."""
        try:
            line = self._reader.readline()
        except ConnectionError:
            return None
        return line.decode().rstrip("\n") if line else None

    def ask(self, line: str) -> str | None:
        """Send a command and wait for its answer."""
        self.say(line)
        return self.hear()

    def close(self) -> None:
        """End the connection."""
        self._reader.close()
        self.socket.close()


def _family(name: object) -> int:
    if isinstance(name, str):
        return socket.AF_UNIX
    assert isinstance(name, list)
    return socket.AF_INET6 if ":" in name[0] else socket.AF_INET


class ProbeServer:
    """`probe_server.py` in a process of its own, and everything that it has told."""

    def __init__(self, *, stderr: Path, pass_fds: Sequence[int] = (), **asked: Any) -> None:
        self._stderr = stderr
        self.events: list[dict[str, Any]] = []
        self._unread: list[dict[str, Any]] = []
        self._buffer = b""
        self._clients: list[Client] = []
        with stderr.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-X", "dev", "-W", "error", str(PROBE), json.dumps(asked)],
                stdout=subprocess.PIPE,
                stderr=errors,
                pass_fds=pass_fds,
            )
        self.name = self.event("listening")["name"]

    @property
    def pid(self) -> int:
        """The server process."""
        return self.process.pid

    @property
    def errors(self) -> str:
        """Everything on standard error."""
        return self._stderr.read_text()

    def event(self, name: str) -> dict[str, Any]:
        """The next event of this name that has not been asked for yet."""
        while True:
            for event in self._unread:
                if event["event"] == name:
                    self._unread.remove(event)
                    return event
            assert self._read(), f"no event {name!r}, but {[event['event'] for event in self.events]}\n{self.errors}"

    def all_events(self) -> list[str]:
        """The names of all events, when the server has ended."""
        while self._read():
            pass
        return [event["event"] for event in self.events]

    def pids(self, name: str) -> list[int]:
        """Who has told this event, so far."""
        return [event["pid"] for event in self.events if event["event"] == name]

    def connect(self) -> Client:
        """A new client."""
        client = Client(self.name)
        self._clients.append(client)
        return client

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the server process."""
        self.process.send_signal(number)

    def status(self) -> int:
        """Wait for the exit status."""
        return self.process.wait(DEADLINE_SECONDS)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a stop signal and wait for the exit status."""
        self.send(number)
        return self.status()

    def close(self) -> None:
        """End whatever a test has left behind."""
        for client in self._clients:
            client.close()
        self.process.kill()
        self.process.wait()
        for pid in {event["pid"] for event in self.events}:
            _kill_probe(pid)
            eventually(lambda pid=pid: not alive(pid), f"the end of {pid}")  # type: ignore[misc]  # early binding
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _read(self) -> bool:
        assert self.process.stdout is not None
        descriptor = self.process.stdout.fileno()
        assert wait_readable(descriptor), f"the server is silent\n{self.errors}"
        piece = os.read(descriptor, 65536)
        *lines, self._buffer = (self._buffer + piece).split(b"\n")
        for line in lines:
            event = json.loads(line)
            self.events.append(event)
            self._unread.append(event)
        return bool(piece)


def _kill_probe(pid: int) -> None:
    """Kill a process if it is (still) one of a probe server."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        if str(PROBE).encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGKILL)


ServeProbe = Callable[..., ProbeServer]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[ServeProbe]:
    """Start probe servers; none of their processes outlives the test."""
    with contextlib.ExitStack() as stack:
        count = 0

        def start(*, pass_fds: Sequence[int] = (), **asked: Any) -> ProbeServer:
            nonlocal count
            count += 1
            server = ProbeServer(stderr=tmp_path / f"stderr-{count}", pass_fds=pass_fds, **asked)
            stack.callback(server.close)
            return server

        yield start
