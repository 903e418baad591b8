"""How the cost of a server grows: with connections that it holds, with children, and with threads."""

import contextlib
import functools
import os
import resource
import socket
import time
from collections.abc import Callable, Iterator

from benchmarks.asking import LOOKS
from benchmarks.connections import CHILDREN, THREADING
from benchmarks.cost import Cost, first, kept, second
from benchmarks.curve import Axis, Curve
from benchmarks.effort import Effort
from benchmarks.figure import OURS
from benchmarks.programs import LONGEST_SECONDS, Program, proportional_kib, python, running

HELD = (10, 100, 300, 1000, 2000, 5000, 10_000)
CHILDREN_COUNTS = (1, 2, 4, 8, 16, 32, 64)
THREAD_COUNTS = (1, 4, 16, 64, 256, 1024)
SPARE_DESCRIPTORS = 200
"""What a process needs beside those for the connections that are held."""

BY_THREAD, IN_QUEUE = "riser, a thread for each", "riser, waiting in its queue"
MIB, MILLISECONDS = "MiB (PSS) of all processes", "milliseconds"
KIB_EACH = ("KiB", 1024.0)


def curves(effort: Effort) -> Iterator[Curve]:
    """All of them."""
    yield from _held(effort)
    yield from _sizes(effort)


def _held(effort: Effort) -> Iterator[Curve]:
    sizes = tuple(size for size in effort.steps(*HELD) if size <= _most_descriptors() - SPARE_DESCRIPTORS)
    holders = {
        BY_THREAD: lambda held: _holding(held, python("echo.py", OURS, CHILDREN, str(held // int(CHILDREN)))),
        IN_QUEUE: lambda held: _holding(held, python("echo.py", OURS, CHILDREN, "4", str(held)), are_served=False),
        THREADING: lambda held: _holding(held, python("echo.py", "threading")),
    }
    cached = {name: kept(holder) for name, holder in holders.items()}
    yield Curve(
        "held-memory",
        "Memory of a server that holds connections",
        Axis("connections held"),
        Axis(MIB),
        {name: functools.partial(second, holder, sizes) for name, holder in cached.items()},
        "a stack for each thread, of which the kernel gives the pages that were touched; a queued one is a descriptor",
        one_more=(*KIB_EACH, "an idle connection"),
    )
    yield Curve(
        "held-time",
        "Time to take connections that stay",
        Axis("connections held"),
        Axis(MILLISECONDS),
        {
            name: functools.partial(first, holder, sizes)
            for name, holder in cached.items()
            if name != IN_QUEUE  # nobody answers them, and so nobody knows when they have been taken
        },
        "connect and one round trip for each, one after the other",
        one_more=("us", 1000.0, "a connection"),
    )


def _sizes(effort: Effort) -> Iterator[Curve]:
    looks = min(LOOKS, effort.rounds)
    for name, what, sizes, size in (
        ("children", "children of 4 threads", effort.steps(*CHILDREN_COUNTS), lambda count: (str(count), "4")),
        ("threads", "threads in one process", effort.steps(*THREAD_COUNTS), lambda count: ("0", str(count))),
    ):
        starting = kept(functools.partial(_starting, size), looks)
        one = "a child" if name == "children" else "a thread"
        yield Curve(
            f"{name}-time",
            f"Time until a server of so many {name} serves",
            Axis(what),
            Axis(MILLISECONDS),
            {OURS: functools.partial(first, starting, sizes)},
            "Python's start and the import of riser at the left end; then "
            + ("a fork for each" if name == "children" else "a thread that starts and says so"),
            one_more=("ms", 1.0, one),
        )
        yield Curve(
            f"{name}-memory",
            f"Memory of a server of so many {name}",
            Axis(what),
            Axis(MIB),
            {OURS: functools.partial(second, starting, sizes)},
            "pages that a child has written to" if name == "children" else "the pages of a stack that were touched",
            one_more=(*KIB_EACH, one),
        )


def _starting(size: Callable[[int], tuple[str, str]], count: int) -> Cost:
    """Milliseconds from nothing to the first answer of a server of this size, and its memory in MiB then."""
    began = time.monotonic()
    with running(*python("echo.py", OURS, *size(count))) as server, _connection(server.address) as connection:
        _echo(connection)
        took = time.monotonic() - began
        return Cost(took * 1000, _mebibytes(server))


def _holding(count: int, command: tuple[str, ...], *, are_served: bool = True) -> Cost:
    """Milliseconds to open so many connections, each answered once if there is a thread for it, and MiB then."""
    with _many_descriptors(), running(*command) as server, contextlib.ExitStack() as held:
        began = time.monotonic()
        for _ in range(count):
            connection = held.enter_context(_connection(server.address))
            if are_served:
                _echo(connection)
        return Cost((time.monotonic() - began) * 1000, _mebibytes(server))


def _connection(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=LONGEST_SECONDS)


def _echo(connection: socket.socket) -> None:
    connection.sendall(b"x")
    if connection.recv(1) != b"x":
        raise RuntimeError("a connection was not answered")


def _mebibytes(server: Program) -> float:
    """Shared pages are divided among those that share them; it has settled when two looks see the same."""
    before, now = -1, sum(proportional_kib(pid) for pid in server.pids())
    while now != before:
        time.sleep(0.05)
        before, now = now, sum(proportional_kib(pid) for pid in server.pids())
    return now / 1024


def _most_descriptors() -> int:
    """What a process may open at most, if it asks for it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return os.sysconf("SC_OPEN_MAX") if hard == resource.RLIM_INFINITY else hard


@contextlib.contextmanager
def _many_descriptors() -> Iterator[None]:
    """As many as this process may have, for what it starts too."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
