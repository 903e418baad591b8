"""Connections and round trips: riser beside the Ruby original, CPython's servers, gunicorn, and a server in C.

2 children of 4 threads, where a peer has children and threads, and 32 clients.
"""

import functools
import importlib.util
from collections.abc import Callable, Iterator, Mapping

from benchmarks.effort import Effort
from benchmarks.figure import LIMIT, OURS, Aim, Figure
from benchmarks.load import flood, good, requests_per_second, warm_up
from benchmarks.programs import compiled, python, ruby, running, why_no_compiler, why_no_ruby

CHILDREN, THREADS = "2", "4"
CLIENTS, CLIENTS_THAT_STAY = 32, 8
WORK_SECONDS = 0.010
SHARE_OF_CAPACITY = 0.75

RUBY = "Ruby original"
THREADING, FORKING, GUNICORN = "ThreadingTCPServer", "ForkingTCPServer", "gunicorn gthread"

Command = tuple[str, ...]

TWO_PROCESSES = "the parent accepts and hands on: a connection passes two processes and two threads, and one does in C"
HTTP = "what parses HTTP in the handler, in Python; keep-alive needs no accepting, so that the GIL of 2 children is all"


def servers() -> tuple[dict[str, Command], dict[str, str]]:
    """The commands of the echo servers that are here, and why others are not."""
    absent = why_absent(OURS, RUBY, THREADING, FORKING, LIMIT)
    commands = {
        OURS: python("echo.py", "riser", CHILDREN, THREADS),
        RUBY: ruby("echo.rb", CHILDREN, THREADS),
        THREADING: python("echo.py", "threading"),
        FORKING: python("echo.py", "forking"),
    }
    if not why_no_compiler():
        commands[LIMIT] = (str(compiled("peers/limit.c")), CHILDREN, "echo")
    return {name: command for name, command in commands.items() if name not in absent}, absent


def why_absent(*peers: str) -> dict[str, str]:
    """Of these peers, who cannot be measured here and why; without a compiler there is no load, and nobody can."""
    if reason := why_no_compiler():
        return dict.fromkeys(peers, reason)
    reasons = {
        RUBY: why_no_ruby(),
        GUNICORN: None if importlib.util.find_spec("gunicorn") else "it is not installed (extra bench)",
    }
    return {peer: reason for peer in peers if (reason := reasons.get(peer))}


def figures(effort: Effort) -> Iterator[Figure]:
    """All of them."""
    there, absent = servers()
    yield Figure(
        "connections",
        "connect, echo, close; 2 children of 4 threads, 32 clients",
        "per second",
        _turns(there, functools.partial(_rate, mode="connect", clients=CLIENTS, effort=effort)),
        (Aim(1.5, 2.5, RUBY), Aim(3, 5, THREADING), Aim(10, 17, FORKING)),
        TWO_PROCESSES,
        absent=absent,
    )
    yield Figure(
        "cpu",
        "CPU of the server's processes for one connection",
        "us",
        _turns({name: there[name] for name in (OURS, RUBY, LIMIT) if name in there}, functools.partial(_cpu, effort)),
        (Aim(1 / 0.75, 2, RUBY),),
        "system calls: accept, two hand-overs with their wake-ups, recv, send and close; the rest is the interpreter",
        less_is_better=True,
        absent={name: reason for name, reason in absent.items() if name in (OURS, RUBY, LIMIT)},
    )
    yield Figure(
        "echo",
        "echo round trips on 8 connections that stay",
        "per second",
        _turns(
            {name: command for name, command in there.items() if name != FORKING},
            functools.partial(_rate, mode="persist", clients=CLIENTS_THAT_STAY, effort=effort),
        ),
        (Aim(1.2, 2, RUBY),),
        "recv and send of the handler's own, and the GIL that 4 threads of a child take from each other around them",
        absent={name: reason for name, reason in absent.items() if name != FORKING},
    )
    yield from _http(effort)
    yield Figure(
        "p99",
        "99 of 100 connections with 10 ms of work, at 75 % of what 8 threads can do, take at most",
        "x the work",
        _turns({name: there[name] for name in (OURS, RUBY) if name in there}, functools.partial(_slowest, effort)),
        (Aim(2, 1.3),),
        "chance: whoever comes when all 8 threads work waits for the first of them; 1 would be no wait at all",
        less_is_better=True,
        absent={name: reason for name, reason in absent.items() if name in (OURS, RUBY)},
    )


def _http(effort: Effort) -> Iterator[Figure]:
    absent = why_absent(OURS, GUNICORN, LIMIT)
    commands = {
        OURS: python("http.py", "riser", CHILDREN, THREADS),
        GUNICORN: python("http.py", "gunicorn", CHILDREN, THREADS),
    }
    if not why_no_compiler():
        commands[LIMIT] = (str(compiled("peers/limit.c")), CHILDREN, "http")
    there = {name: command for name, command in commands.items() if name not in absent}
    for name, title, keep in (
        ("http-close", "HTTP, a connection for each request, 32 clients (wrk)", False),
        ("http-keep", "HTTP, keep-alive, 8 clients (wrk)", True),
    ):
        yield Figure(
            name,
            title,
            "per second",
            _turns(there, functools.partial(_requests, keep=keep, effort=effort)),
            (Aim(3, 5, GUNICORN),),
            HTTP if keep else TWO_PROCESSES,
            absent=absent,
        )


def _turns(
    commands: Mapping[str, Command], measured: Callable[[Command], float | None]
) -> dict[str, Callable[[], float | None]]:
    return {name: functools.partial(measured, command) for name, command in commands.items()}


def _rate(command: Command, *, mode: str, clients: int, effort: Effort) -> float:
    with running(*command) as server:
        warm_up(server.address, mode)
        done = good(flood(server.address, clients=clients, seconds=effort.seconds, mode=mode))
        return done["operations"] / done["seconds"]


def _requests(command: Command, *, keep: bool, effort: Effort) -> float:
    with running(*command) as server:
        warm_up(server.address, "http-close")
        clients = CLIENTS_THAT_STAY if keep else CLIENTS
        return requests_per_second(server.address, clients=clients, seconds=effort.seconds, keep=keep)


def _cpu(effort: Effort, command: Command) -> float | None:
    with running(*command) as server:
        warm_up(server.address, "connect")
        before = server.cpu_seconds()
        done = good(flood(server.address, clients=CLIENTS, seconds=effort.seconds, mode="connect"))
        return (server.cpu_seconds() - before) / done["operations"] * 1e6 if done["operations"] else None


def _slowest(effort: Effort, command: Command) -> float:
    rate = int(CHILDREN) * int(THREADS) / WORK_SECONDS * SHARE_OF_CAPACITY
    with running(*command, environment={"WORK_SECONDS": str(WORK_SECONDS)}) as server:
        warm_up(server.address, "connect")
        done = good(flood(server.address, clients=200, seconds=effort.seconds, mode="connect", rate=rate))
        return done["p99"] / 1e6 / WORK_SECONDS
