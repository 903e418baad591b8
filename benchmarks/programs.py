"""The programs that are measured: started, asked for their address, watched from outside, ended."""

import contextlib
import functools
import json
import os
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


@functools.cache
def why_no_ruby() -> str | None:
    """Why the Ruby original cannot be measured here; None if it can."""
    if shutil.which("ruby") is None:
        return "there is no ruby"
    found = subprocess.run(["ruby", "-rriser", "-e", ""], capture_output=True, check=False)
    return None if found.returncode == 0 else "ruby does not find riser (RUBYLIB, or the gem)"


@functools.cache
def flood_program() -> Path:
    """The load generator, compiled; raises RuntimeError if it cannot be."""
    compiler = next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)
    if compiler is None:
        raise RuntimeError("there is no C compiler for flood.c")
    program = Path(tempfile.mkdtemp(prefix="riser-benchmarks-"), "flood")
    done = subprocess.run(
        [compiler, "-O2", "-o", str(program), str(HERE / "flood.c")], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"flood.c does not compile: {done.stderr[-300:]}")
    return program


def flood(address: str, *, clients: int, seconds: float, mode: str, rate: float = 0) -> dict[str, float]:
    """Load on an address; raises RuntimeError if more than one operation in a thousand failed."""
    program = flood_program()
    command = [str(program), address, str(clients), str(seconds), mode, str(rate)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + LONGEST_SECONDS)
    result: dict[str, float] = json.loads(done.stdout)
    if result["errors"] * 1000 > result["operations"]:
        raise RuntimeError(f"{result['errors']:.0f} of {result['operations']:.0f} operations failed")
    return result


def warm_up(address: str, mode: str) -> None:
    """Load an address for a moment, until it answers: some say where they listen before they serve."""
    deadline = time.monotonic() + LONGEST_SECONDS
    while flood(address, clients=8, seconds=0.2, mode=mode)["operations"] == 0:
        if time.monotonic() > deadline:
            raise RuntimeError(f"nobody answers at {address}")


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


def _wait_readable(descriptor: int, seconds: float) -> None:
    import select

    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    if not poll.poll(seconds * 1000):
        raise RuntimeError("a process did not end")


def _cpu_seconds(pid: int) -> float:
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0
