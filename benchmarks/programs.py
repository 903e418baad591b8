"""The programs that are measured: started, asked for their address, watched from outside, ended."""

import atexit
import contextlib
import functools
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
PEERS = HERE / "peers"
LONGEST_SECONDS = 60.0
"""How long a program may take to start, or to end; one that needs longer is broken."""


class Program:
    """A server that runs in a session of its own and has printed its address."""

    def __init__(self, process: subprocess.Popen[str], address: str) -> None:
        self.process = process
        self.address = address

    def pids(self) -> list[int]:
        """The process and all that it has started and that live, in the order in which they stand in the tree."""
        found = [self.process.pid]
        for pid in found:
            found.extend(children_of(pid))
        return found

    def cpu_seconds(self) -> float:
        """What its living processes have used until now."""
        return sum(_cpu_seconds(pid) for pid in self.pids())


@contextlib.contextmanager
def running(*command: str, environment: dict[str, str] | None = None) -> Iterator[Program]:
    """Start a program that prints its address when it listens; at the end nothing of it is left."""
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True, cwd=PEERS,
            env={**os.environ, **(environment or {})},
        )  # fmt: skip
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            if not address:
                errors.seek(0)
                raise RuntimeError(f"{' '.join(command)} did not start: {errors.read()[-500:]}")
            yield Program(process, address)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def python(*arguments: str) -> tuple[str, ...]:
    """The command that runs one of the peers on this Python, without development mode and the like."""
    return (sys.executable, "-I", *arguments)


def ruby(*arguments: str) -> tuple[str, ...]:
    """The command that runs one of the peers on Ruby."""
    return ("ruby", *arguments)


def pinned(command: tuple[str, ...]) -> tuple[str, ...]:
    """The same command with all its processes on one core, the last."""
    return ("taskset", "-c", str(max(os.sched_getaffinity(0))), *command)


def values_of(*command: str) -> list[float]:
    """What a program prints that measures and ends; none if it says that it cannot. Raises RuntimeError if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=2 * LONGEST_SECONDS, check=False, cwd=PEERS)
    if done.returncode or not done.stdout.strip():
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()[-500:]}")
    return [float(word) for word in done.stdout.split() if word != "None"]


def value_of(*command: str) -> float | None:
    """The same for one value."""
    return next(iter(values_of(*command)), None)


@functools.cache
def why_no_ruby() -> str | None:
    """Why the Ruby original cannot be measured here; None if it can."""
    if shutil.which("ruby") is None:
        return "there is no ruby"
    found = subprocess.run(["ruby", "-rriser", "-e", ""], capture_output=True, check=False)
    return None if found.returncode == 0 else "ruby does not find riser (RUBYLIB, or the gem)"


@functools.cache
def why_no_compiler() -> str | None:
    """Why what is written in C cannot be measured, or measure, here; None if it can."""
    return None if _compiler() else "there is no C compiler"


@functools.cache
def compiled(name: str) -> Path:
    """A program of this directory, compiled; it stays until this process ends. Raises RuntimeError if it cannot be."""
    compiler = _compiler()
    if compiler is None:
        raise RuntimeError(f"there is no C compiler for {name}")
    place = tempfile.TemporaryDirectory(prefix="riser-benchmarks-")
    atexit.register(place.cleanup)
    program = Path(place.name, Path(name).stem)
    done = subprocess.run(
        [compiler, "-O2", "-o", str(program), str(HERE / name)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{name} does not compile: {done.stderr[-300:]}")
    return program


def children_of(pid: int) -> list[int]:
    """The living children of a process."""
    with contextlib.suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def wait_until_gone(pids: list[int]) -> float:
    """Wait for processes that are not ours to wait for; the moment when the last was gone."""
    deadline = time.monotonic() + LONGEST_SECONDS
    for pid in pids:
        with contextlib.suppress(OSError):
            descriptor = os.pidfd_open(pid)
            try:
                _wait_readable(descriptor, deadline - time.monotonic())
            finally:
                os.close(descriptor)
    return time.monotonic()


def private_kib(pid: int) -> int:
    """What would be free if the process ended (USS)."""
    return _memory_kib(pid, r"Private_\w+")


def proportional_kib(pid: int) -> int:
    """Its memory, shared pages divided among those that share them (PSS)."""
    return _memory_kib(pid, "Pss")


def settled_private_kib(pid: int) -> int:
    """The same, when two looks see the same."""
    before = -1
    while (now := private_kib(pid)) != before:
        before = now
        time.sleep(0.05)
    return now


def _memory_kib(pid: int, kinds: str) -> int:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(size) for size in re.findall(rf"^{kinds}: +(\d+) kB", text, re.MULTILINE))


def _compiler() -> str | None:
    return next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)


def _wait_readable(descriptor: int, seconds: float) -> None:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    if not poll.poll(seconds * 1000):
        raise RuntimeError("a process did not end")


def _cpu_seconds(pid: int) -> float:
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0
