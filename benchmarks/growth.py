"""How cost grows: with connections that are held, children, threads, scenarios, services and keys.

What is measured once tells two curves, time and memory; so a measurement is kept.
"""

import contextlib
import functools
import os
import resource
import socket
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from benchmarks.asking import VARNISHTEST, run_by_varnishtest_seconds, run_seconds, why_absent
from benchmarks.connections import CHILDREN, THREADING
from benchmarks.curve import Axis, Curve
from benchmarks.effort import Effort
from benchmarks.figure import OURS
from benchmarks.programs import LONGEST_SECONDS, Program, proportional_kib, python, running, values_of
from benchmarks.scenarios import check_seconds

HELD = (10, 100, 300, 1000, 2000, 5000, 10_000)
CHILDREN_COUNTS = (1, 2, 4, 8, 16, 32, 64)
THREAD_COUNTS = (1, 4, 16, 64, 256, 1024)
SCENARIOS = (10, 30, 100, 300, 1000)
PROCESSES = (1, 2, 4, 8, 16, 32)
SERVICES = (1, 3, 10, 30, 100, 300)
KEYS = (10, 100, 1000, 10_000)
SPARE_DESCRIPTORS = 200
"""What a process needs beside those for the connections that are held."""

BY_THREAD, IN_QUEUE = "riser, a thread for each", "riser, waiting in its queue"
COUNT, MIB, MILLISECONDS = "count", "MiB (PSS) of all processes", "milliseconds"
KIB_EACH = ("KiB", 1024.0)


class Cost(NamedTuple):
    """What a server of some size costs."""

    milliseconds: float
    mebibytes: float


Points = Iterator[tuple[float, float]]


def curves(effort: Effort) -> Iterator[Curve]:
    """All of them."""
    yield from _held(effort)
    yield from _servers(effort)
    yield from _scenarios(effort)
    yield from _services(effort)


def _held(effort: Effort) -> Iterator[Curve]:
    sizes = tuple(size for size in effort.steps(*HELD) if size <= _descriptors() - SPARE_DESCRIPTORS)
    holders = {
        BY_THREAD: lambda held: _holding(held, python("echo.py", OURS, CHILDREN, str(held // int(CHILDREN)))),
        IN_QUEUE: lambda held: _holding(held, python("echo.py", OURS, CHILDREN, "4", str(held)), are_served=False),
        THREADING: lambda held: _holding(held, python("echo.py", "threading")),
    }
    cached = {name: functools.cache(holder) for name, holder in holders.items()}
    yield Curve(
        "held-memory",
        "Memory of a server that holds connections",
        Axis("connections held"),
        Axis(MIB),
        {name: functools.partial(_memory, holder, sizes) for name, holder in cached.items()},
        "a stack for each thread, of which the kernel gives the pages that were touched; a queued one is a descriptor",
        one_more=(*KIB_EACH, "an idle connection"),
    )
    yield Curve(
        "held-time",
        "Time to take connections that stay",
        Axis("connections held"),
        Axis(MILLISECONDS),
        {
            name: functools.partial(_time, holder, sizes)
            for name, holder in cached.items()
            if name != IN_QUEUE  # nobody answers them, and so nobody knows when they have been taken
        },
        "connect and one round trip for each, one after the other",
        one_more=("us", 1000.0, "a connection"),
    )


def _servers(effort: Effort) -> Iterator[Curve]:
    for name, what, sizes, size in (
        ("children", "children of 4 threads", effort.steps(*CHILDREN_COUNTS), lambda count: (str(count), "4")),
        ("threads", "threads in one process", effort.steps(*THREAD_COUNTS), lambda count: ("0", str(count))),
    ):
        starting = functools.cache(functools.partial(_starting, size))
        one = "a child" if name == "children" else "a thread"
        yield Curve(
            f"{name}-time",
            f"Time until a server of so many {name} serves",
            Axis(what),
            Axis(MILLISECONDS),
            {OURS: functools.partial(_time, starting, sizes)},
            "Python's start and the import of riser at the left end; then "
            + ("a fork for each" if name == "children" else "a thread that starts and says so"),
            one_more=("ms", 1.0, one),
        )
        yield Curve(
            f"{name}-memory",
            f"Memory of a server of so many {name}",
            Axis(what),
            Axis(MIB),
            {OURS: functools.partial(_memory, starting, sizes)},
            "pages that a child has written to" if name == "children" else "the pages of a stack that were touched",
            one_more=(*KIB_EACH, one),
        )


def _scenarios(effort: Effort) -> Iterator[Curve]:
    sizes = effort.steps(*SCENARIOS)
    reason = why_absent(VARNISHTEST)
    yield Curve(
        "scenarios-check",
        "Time to load and check scenarios",
        Axis("scenarios"),
        Axis("seconds"),
        {"harness check": functools.partial(_each, check_seconds, sizes)},
        "Python's start and imports at the left end, then the YAML parser",
        one_more=("ms", 1000.0, "a scenario"),
    )
    runners = {"harness run": run_seconds, VARNISHTEST: run_by_varnishtest_seconds}
    yield Curve(
        "scenarios-run",
        "Time to run scenarios without processes",
        Axis("scenarios"),
        Axis("seconds"),
        {
            name: functools.partial(_each, run, sizes)
            for name, run in runners.items()
            if name != VARNISHTEST or not reason
        },
        "a request each to a server that runs already: what is left is what the engine does around it",
        one_more=("ms", 1000.0, "a scenario"),
        absent={VARNISHTEST: reason} if reason else {},
    )


def _services(effort: Effort) -> Iterator[Curve]:
    pool = functools.cache(lambda count: Cost(*_pool("ready", count)))
    sizes = effort.steps(*PROCESSES)
    yield Curve(
        "pool-time",
        "Time until a pool of service processes serves",
        Axis("service processes"),
        Axis(MILLISECONDS),
        {OURS: functools.partial(_time, pool, sizes)},
        "forks one after the other, each of which sets up an interpreter's threads and its listener",
        one_more=("ms", 1.0, "a service process"),
    )
    named = functools.cache(lambda count: _pool("services", count))
    sizes = effort.steps(*SERVICES)
    yield Curve(
        "services-time",
        "Time until a pool of 2 serves so many services",
        Axis("services"),
        Axis(MILLISECONDS),
        {OURS: functools.partial(_each, lambda count: named(count)[0], sizes)},
        "the factory of each, and its callbacks",
        one_more=("us", 1000.0, "a service"),
    )
    yield Curve(
        "services-call",
        "A call, by the number of services",
        Axis("services"),
        Axis("microseconds"),
        {OURS: functools.partial(_each, lambda count: named(count)[1], sizes)},
        "nothing that grows: a name is looked up in a dictionary",
    )
    keyed = functools.cache(lambda count: _pool("keys", count))
    sizes = effort.steps(*KEYS)
    yield Curve(
        "keys-call",
        "A call of a sticky service, by the number of keys",
        Axis("keys", is_logarithmic=True),
        Axis("microseconds"),
        {
            "with a new key": functools.partial(_each, lambda count: keyed(count)[0], sizes),
            "with a known key": functools.partial(_each, lambda count: keyed(count)[1], sizes),
        },
        "nothing that grows: the place of a key is a digest, and nothing is kept for it",
    )


def _time(measured: Callable[[int], Cost], sizes: tuple[int, ...]) -> Points:
    return ((size, measured(size).milliseconds) for size in sizes)


def _memory(measured: Callable[[int], Cost], sizes: tuple[int, ...]) -> Points:
    return ((size, measured(size).mebibytes) for size in sizes)


def _each(measured: Callable[[int], float], sizes: tuple[int, ...]) -> Points:
    return ((size, measured(size)) for size in sizes)


def _pool(row: str, number: int) -> list[float]:
    return values_of(*python("pool.py", row, str(number)))


def _starting(size: Callable[[int], tuple[str, str]], count: int) -> Cost:
    """From nothing to the first answer of a server of this size; its memory when all of it is there."""
    began = time.monotonic()
    with running(*python("echo.py", OURS, *size(count))) as server, _connection(server.address) as connection:
        _echo(connection)
        took = time.monotonic() - began
        return Cost(took * 1000, _mebibytes(server))


def _holding(count: int, command: tuple[str, ...], *, are_served: bool = True) -> Cost:
    """So many connections at once to a server; each is answered once where there is a thread for it."""
    with running(*command) as server, contextlib.ExitStack() as held:
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


def _descriptors() -> int:
    """What this process may open, and what it starts too; as many as the machine lets it have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard if hard != resource.RLIM_INFINITY else os.sysconf("SC_OPEN_MAX")
