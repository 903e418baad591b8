"""Connections and round trips: riser beside the Ruby original, CPython's servers and gunicorn.

2 children of 4 threads, where a peer has children and threads, and 32 clients.
"""

import importlib.util
from collections.abc import Callable, Iterator

from benchmarks.figure import OURS, Aim, Figure
from benchmarks.programs import flood, python, ruby, running, warm_up, why_no_ruby

CHILDREN, THREADS = "2", "4"
CLIENTS = 32
WORK_SECONDS = 0.010
SHARE_OF_CAPACITY = 0.75

RUBY = "Ruby original"
COMMANDS = {
    OURS: python("echo.py", "riser", CHILDREN, THREADS),
    RUBY: ruby("echo.rb", CHILDREN, THREADS),
    "ThreadingTCPServer": python("echo.py", "threading"),
    "ForkingTCPServer": python("echo.py", "forking"),
}


def figures(seconds: float) -> Iterator[Figure]:
    """All of them; each turn takes `seconds` under load."""
    absent = {RUBY: reason} if (reason := why_no_ruby()) else {}
    there = {name: command for name, command in COMMANDS.items() if name not in absent}

    def rate(command: tuple[str, ...], *, mode: str, clients: int) -> Callable[[], float]:
        def turn() -> float:
            with running(*command) as server:
                warm_up(server.address, mode)
                done = flood(server.address, clients=clients, seconds=seconds, mode=mode)
                return done["operations"] / done["seconds"]

        return turn

    yield Figure(
        "connections",
        "connect, echo, close; 2 children of 4 threads, 32 clients",
        "per second",
        {name: rate(command, mode="connect", clients=CLIENTS) for name, command in there.items()},
        (Aim(1.5, 2.5, RUBY), Aim(3, 5, "ThreadingTCPServer"), Aim(10, 17, "ForkingTCPServer")),
        absent=absent,
    )

    def cpu(command: tuple[str, ...]) -> Callable[[], float]:
        def turn() -> float:
            with running(*command) as server:
                warm_up(server.address, "connect")
                before = server.cpu_seconds()
                done = flood(server.address, clients=CLIENTS, seconds=seconds, mode="connect")
                return (server.cpu_seconds() - before) / done["operations"] * 1e6

        return turn

    yield Figure(
        "cpu",
        "CPU of the server's processes for one connection",
        "us",
        {name: cpu(command) for name, command in there.items() if name in (OURS, RUBY)},
        (Aim(1 / 0.75, 2, RUBY),),
        less_is_better=True,
        absent=absent,
    )
    yield Figure(
        "echo",
        "echo round trips on 8 connections that stay",
        "per second",
        {
            name: rate(command, mode="persist", clients=8)
            for name, command in there.items()
            if name != "ForkingTCPServer"
        },
        (Aim(1.2, 2, RUBY),),
        absent=absent,
    )
    gunicorn = "gunicorn gthread"
    no_gunicorn = {} if importlib.util.find_spec("gunicorn") else {gunicorn: "it is not installed"}
    for name, mode, title in (
        ("http-close", "http-close", "HTTP, a connection for each request"),
        ("http-keep", "http-keep", "HTTP, keep-alive"),
    ):
        clients = CLIENTS if mode == "http-close" else 8
        turns = {OURS: rate(python("http.py", "riser", CHILDREN, THREADS), mode=mode, clients=clients)}
        if not no_gunicorn:
            turns[gunicorn] = rate(python("http.py", "gunicorn", CHILDREN, THREADS), mode=mode, clients=clients)
        yield Figure(name, title, "per second", turns, (Aim(3, 5, gunicorn),), absent=no_gunicorn)

    def slowest(command: tuple[str, ...]) -> Callable[[], float]:
        capacity = int(CHILDREN) * int(THREADS) / WORK_SECONDS

        def turn() -> float:
            with running(*command, environment={"WORK_SECONDS": str(WORK_SECONDS)}) as server:
                warm_up(server.address, "connect")
                done = flood(
                    server.address, clients=200, seconds=seconds, mode="connect", rate=capacity * SHARE_OF_CAPACITY
                )
                return done["p99"] / 1e6 / WORK_SECONDS

        return turn

    yield Figure(
        "p99",
        "99 of 100 connections with 10 ms of work, at 75 % of what 8 threads can do, take at most",
        "x the work",
        {OURS: slowest(COMMANDS[OURS])},
        (Aim(2, 1.3),),
    )
