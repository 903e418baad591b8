"""Curves of connections: how throughput goes with the number of clients, and how long single connections take."""

import functools
from collections.abc import Iterator

from benchmarks.connections import CHILDREN, RUBY, SHARE_OF_CAPACITY, THREADS, WORK_SECONDS, Command, servers
from benchmarks.curve import Axis, Curve
from benchmarks.effort import Effort
from benchmarks.figure import OURS
from benchmarks.load import flood, good, warm_up
from benchmarks.programs import running

CLIENTS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
QUANTILES = {"p50": 2, "p75": 4, "p90": 10, "p95": 20, "p98": 50, "p99": 100, "p99.5": 200, "p99.9": 1000}
"""What flood calls them, and the one in how many connections that takes longer."""
EASY_RATE = 500
"""Connections a second that every peer can serve, a process for each connection included."""

Points = Iterator[tuple[float, float]]


def curves(effort: Effort) -> Iterator[Curve]:
    """All of them."""
    there, absent = servers()
    yield Curve(
        "clients",
        "Throughput against clients: connect, echo, close",
        Axis("clients at once", is_logarithmic=True),
        Axis("connections per second"),
        {name: functools.partial(_throughput, command, effort) for name, command in there.items()},
        "one client waits for every switch between processes; many keep both cores busy, and the rest is CPU",
        absent=absent,
        most_rounds=3,
    )
    yield Curve(
        "latency",
        f"Latency: connect, echo, close, {EASY_RATE} a second",
        Axis("the slowest one of so many connections", is_logarithmic=True),
        Axis("milliseconds", is_logarithmic=True),
        {name: functools.partial(_latency, command, effort, EASY_RATE, 0.0) for name, command in there.items()},
        "switches between processes and threads; the slowest in a hundred are the machine's other business",
        absent=absent,
    )
    rate = int(CHILDREN) * int(THREADS) / WORK_SECONDS * SHARE_OF_CAPACITY
    yield Curve(
        "latency-work",
        f"Latency with 10 ms of work, {rate:.0f} a second: 75 % of what 8 threads can do",
        Axis("the slowest one of so many connections", is_logarithmic=True),
        Axis("milliseconds"),
        {
            name: functools.partial(_latency, there[name], effort, rate, WORK_SECONDS)
            for name in (OURS, RUBY)
            if name in there
        },
        "the wait for a free thread, where all 8 work",
        absent={name: reason for name, reason in absent.items() if name in (OURS, RUBY)},
    )


def _throughput(command: Command, effort: Effort) -> Points:
    with running(*command) as server:
        warm_up(server.address, "connect")
        for clients in effort.steps(*CLIENTS):
            done = good(flood(server.address, clients=clients, seconds=effort.seconds / 4, mode="connect"))
            yield clients, done["operations"] / done["seconds"]


def _latency(command: Command, effort: Effort, rate: float, work_seconds: float) -> Points:
    """An operation counts from when it was due, not from when it began."""
    with running(*command, environment={"WORK_SECONDS": str(work_seconds)}) as server:
        warm_up(server.address, "connect")
        done = good(flood(server.address, clients=200, seconds=2 * effort.seconds, mode="connect", rate=rate))
        yield from ((among, done[name] / 1000) for name, among in QUANTILES.items())
