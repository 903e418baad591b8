"""What a daemon does when nothing happens, when it is told to stop or restart, and when one of its processes dies."""

import contextlib
import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.effort import Effort
from benchmarks.figure import OURS, Aim, Figure
from benchmarks.load import flood
from benchmarks.programs import (
    LONGEST_SECONDS,
    Program,
    children_of,
    python,
    running,
    wait_until_gone,
    why_no_compiler,
)

IDLE_SECONDS = 10
CHILDREN = 2
RESTARTS, REQUESTS = 20, 100_000
DAEMON = python("daemon.py", str(CHILDREN))


def figures(effort: Effort) -> Iterator[Figure]:
    """All of them."""
    yield Figure(
        "idle",
        "wake-ups of an idle daemon, its server and 2 children, in 10 s",
        "",
        {OURS: lambda: _wake_ups(effort.count(IDLE_SECONDS))},
        (Aim(0, 0),),
        "nothing: every process waits in the kernel for something to happen, without a time limit",
        most_rounds=1,
    )
    yield Figure(
        "stop",
        "TERM to exit, idle, 2 children",
        "ms",
        {OURS: _stop},
        (Aim(50, 20),),
        "interpreters that end one after the other: the children's, the server's, the daemon's",
    )
    yield Figure(
        "server-killed",
        "the server killed, until served again",
        "ms",
        {OURS: _server_killed},
        (Aim(500, 100),),
        "the end of the old children, whose leash breaks, and three forks: the server's and its children's",
    )
    yield Figure(
        "child-killed",
        "a child killed, until all 8 threads serve again",
        "ms",
        {OURS: _child_killed},
        (Aim(500, 100),),
        "a fork, 4 threads that start, and the look whether all 8 answer, which is repeated until they do",
    )
    reason = why_no_compiler()
    yield Figure(
        "lossless",
        f"requests lost of {REQUESTS:,} or more, over {RESTARTS} restarts under load",
        "",
        {} if reason else {OURS: lambda: _lost(effort.count(REQUESTS), restarts=effort.count(RESTARTS, least=2))},
        (Aim(0, 0),),
        "nothing: both generations accept from one socket, and the old one ends when it has none left",
        absent={OURS: reason} if reason else {},
        most_rounds=1,
    )


def _wake_ups(seconds: int) -> float:
    with _serving() as daemon:
        before = -1.0
        # What was asked last may still be put away: it has settled when two looks see the same.
        while (now := _voluntary_switches(daemon)) != before:
            before = now
            select.select([], [], [], 0.2)
        select.select([], [], [], seconds)
        return _voluntary_switches(daemon) - before


def _stop() -> float:
    with _serving() as daemon:
        pids = daemon.pids()
        began = time.monotonic()
        os.kill(daemon.process.pid, signal.SIGTERM)
        daemon.process.wait(LONGEST_SECONDS)
        return (wait_until_gone(pids[1:]) - began) * 1000


def _server_killed() -> float:
    with _serving() as daemon:
        (server,) = children_of(daemon.process.pid)
        began = time.monotonic()
        os.kill(server, signal.SIGKILL)
        # An old child may serve for a moment: the first answer after the server's end is what counts.
        wait_until_gone([server, *children_of(server)])
        _ask(daemon.address)
        return (time.monotonic() - began) * 1000


def _child_killed() -> float:
    with _serving() as daemon:
        (server,) = children_of(daemon.process.pid)
        began = time.monotonic()
        os.kill(children_of(server)[0], signal.SIGKILL)
        _until(lambda: _all_threads_answer(daemon.address))
        return (time.monotonic() - began) * 1000


def _lost(requests: int, *, restarts: int) -> float:
    """Restarts one after the other, each when the one before is complete; every request that fails is counted."""
    with _serving() as daemon:
        stop = threading.Event()

        def restart() -> None:
            try:
                for _ in range(restarts):
                    (server,) = children_of(daemon.process.pid)[-1:]
                    os.kill(daemon.process.pid, signal.SIGHUP)
                    wait_until_gone([server])
            finally:
                stop.set()

        thread = threading.Thread(target=restart)
        thread.start()
        lost = done = 0.0
        while not stop.is_set() or done < requests:
            loaded = flood(daemon.address, clients=8, seconds=min(1, requests / 10_000), mode="connect")
            lost += loaded["errors"]
            done += loaded["operations"] + loaded["errors"]
        thread.join()
        return lost


@contextlib.contextmanager
def _serving() -> Iterator[Program]:
    with running(*DAEMON) as daemon:
        _until(lambda: _all_threads_answer(daemon.address))
        yield daemon


def _all_threads_answer(address: str) -> bool:
    """Whether as many connections as there are threads are all answered while all are open."""
    with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
        connections = [stack.enter_context(_connect(address)) for _ in range(CHILDREN * 4)]
        for connection in connections:
            connection.sendall(b"x")
        for connection in connections:
            connection.settimeout(0.2)
        return all(connection.recv(1) == b"x" for connection in connections)
    return False


def _ask(address: str) -> None:
    def answered() -> bool:
        with contextlib.suppress(OSError), _connect(address) as connection:
            connection.sendall(b"x")
            return connection.recv(1) == b"x"
        return False

    _until(answered)


def _connect(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=LONGEST_SECONDS)


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONGEST_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError("a server does not answer")
        select.select([], [], [], 0.001)


def _voluntary_switches(daemon: Program) -> int:
    return sum(
        int(line.split()[1])
        for pid in daemon.pids()
        for status in Path(f"/proc/{pid}/task").glob("*/status")
        for line in status.read_text().splitlines()
        if line.startswith("voluntary_ctxt_switches")
    )
