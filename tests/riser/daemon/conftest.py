"""Real daemons for the tests beside this file: the testee in a process of its own, its events, its log, its clients."""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from signal import Signals
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEADLINE_SECONDS = 30.0


class Run:
    """One testee: configured, started, watched, and gone at the end of the test."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.output = directory / "output"
        self.status_file = directory / "status"
        self.configuration: dict[str, Any] = {
            "contract": 1,
            "events": str(directory / "events"),
            "mode": "daemon",
            "handler": "probe",
            "daemon": {"listen_address": "127.0.0.1:0", "daemonize": False},
            "server": {"thread_num": 2},
        }
        os.mkfifo(directory / "events")
        # Open for both, so that the end of one writer is not the end of the file.
        self._events = os.open(directory / "events", os.O_RDWR | os.O_NONBLOCK)
        self._unread = b""
        self.seen: list[dict[str, Any]] = []
        self.process: subprocess.Popen[bytes] | None = None

    def configure(self, *, daemon: dict[str, Any] | None = None, **changes: Any) -> None:
        self.configuration["daemon"] |= daemon or {}
        self.configuration |= changes
        path = self.directory / "config.json"
        path.with_suffix(".new").write_text(json.dumps(self.configuration))
        path.with_suffix(".new").replace(path)

    def launch(self, **changes: Any) -> None:
        self.configure(**changes)
        command = [
            sys.executable,
            "-X",
            "dev",
            "-W",
            "error",
            "-m",
            "riser.testee",
            str(self.directory / "config.json"),
        ]
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL)

    def start(self, **changes: Any) -> None:
        """Launch it and wait until it serves."""
        self.launch(**changes)
        self.serves()

    def serves(self) -> dict[str, Any]:
        """Wait for a whole start, as the daemon sees it; the `before_start` of it."""
        begun = self.event("before_start")
        for _ in range(max(1, self.configuration["server"].get("process_num", 0))):
            self.event("preprocess")
        if not self.configuration["daemon"]["daemonize"]:
            self.logged(f"server process ready (pid: {begun['pid']})")
        return begun

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def address(self) -> str:
        return str([event["address"] for event in self.seen if event["event"] == "before_start"][-1])

    @property
    def server(self) -> int:
        return int([event["pid"] for event in self.seen if event["event"] == "before_start"][-1])

    def event(self, name: str) -> dict[str, Any]:
        """The next event of that name; others on the way are only kept."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while True:
            event = self._next(deadline - time.monotonic())
            assert event is not None, f"no {name}; {self.story()}"
            if event["event"] == name:
                return event

    def events(self) -> list[str]:
        """The names of all events so far."""
        while self._next(0) is not None:
            pass
        return [event["event"] for event in self.seen]

    def _next(self, seconds: float) -> dict[str, Any] | None:
        while b"\n" not in self._unread:
            if not select.select([self._events], [], [], max(0.0, seconds))[0]:
                return None
            self._unread += os.read(self._events, 65536)
        line, _, self._unread = self._unread.partition(b"\n")
        event: dict[str, Any] = json.loads(line)
        self.seen.append(event)
        return event

    def send(self, number: Signals) -> None:
        os.kill(self.pid, number)

    def exit(self) -> int:
        assert self.process is not None
        try:
            return self.process.wait(DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            pytest.fail(f"does not end; {self.story()}")

    def stop(self, number: Signals = Signals.SIGTERM) -> int:
        self.send(number)
        return self.exit()

    def log(self) -> str:
        return self.output.read_text(errors="replace")

    def logged(self, text: str) -> None:
        self.until(lambda: text in self.log(), f"{text!r} in the log")

    def until(self, condition: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + DEADLINE_SECONDS
        pause = select.poll()
        while not condition():
            assert time.monotonic() < deadline, f"{what}: not in time; {self.story()}"
            pause.poll(5)

    def story(self) -> str:
        return f"events {self.events()}, output:\n{self.log()}"

    @contextlib.contextmanager
    def client(self, address: str | None = None) -> Iterator[Client]:
        with contextlib.closing(Client(address or self.address)) as client:
            yield client

    def ask(self, command: str) -> str:
        """One question over a connection of its own."""
        with self.client() as client:
            return client.ask(command)

    def alive(self) -> list[int]:
        """All processes of this testee, found by the command line that a fork inherits."""
        return [int(path.name) for path in Path("/proc").glob("[1-9]*") if self._is_ours(path)]

    def _is_ours(self, process: Path) -> bool:
        try:
            return str(self.directory / "config.json").encode() in (process / "cmdline").read_bytes()
        except OSError:
            return False

    def clean_up(self) -> None:
        for pid in self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, Signals.SIGKILL)
        if self.process is not None:
            self.process.wait(DEADLINE_SECONDS)
        self.close_events()

    def close_events(self) -> None:
        """Read no more events."""
        if self._events >= 0:
            os.close(self._events)
            self._events = -1


class Client:
    """A connection to a probe, with a deadline."""

    def __init__(self, address: str) -> None:
        if address.startswith("unix:"):
            self.socket = socket.socket(socket.AF_UNIX)
            self._place: Any = address.removeprefix("unix:")
        else:
            self.socket = socket.socket()
            host, _, port = address.rpartition(":")
            self._place = (host, int(port))
        self.socket.settimeout(DEADLINE_SECONDS)
        try:
            self.socket.connect(self._place)
        except OSError:
            self.socket.close()
            raise
        self._lines = self.socket.makefile("rb")

    def ask(self, command: str) -> str:
        self.socket.sendall(f"{command}\n".encode())
        return self._lines.readline().decode().rstrip("\n").removeprefix("ok ")

    def read(self, count: int) -> bytes:
        return self._lines.read(count)

    def at_end(self) -> bool:
        try:
            return self._lines.readline() == b""
        except ConnectionResetError:
            return True

    def close(self) -> None:
        self._lines.close()
        self.socket.close()


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Callable[[], Run]]:
    """Makes testees."""
    made: list[Run] = []

    def make() -> Run:
        made.append(Run(tmp_path / str(len(made))))
        return made[-1]

    yield make
    for run in made:
        run.clean_up()


@pytest.fixture
def run(runs: Callable[[], Run]) -> Run:
    """A testee."""
    return runs()


@pytest.fixture
def open_run() -> Iterator[Run]:
    """A testee whose files every user can reach; pytest keeps its own directories to itself."""
    with tempfile.TemporaryDirectory() as name:
        made = Run(Path(name) / "0")
        Path(name).chmod(0o755)
        made.directory.chmod(0o755)
        (made.directory / "events").chmod(0o666)
        yield made
        made.clean_up()


@pytest.fixture
def socket_path(tmp_path: Path) -> Iterator[Path]:
    """A place for a Unix socket, short enough wherever pytest keeps its own."""
    link = Path(f"/tmp/riser-{os.getpid()}-{time.monotonic_ns() % 10**9}")
    link.symlink_to(tmp_path)
    yield link / "s"
    link.unlink()
