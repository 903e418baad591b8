"""Calls of services: riser beside dRuby, multiprocessing.managers, RPyC, and a raw socket as the limit.

Rows of one client are pinned to one core, both sides of the call; those of threads and processes are not. Each turn is
a process of its own.
"""

import functools
import importlib.util
import multiprocessing.managers
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.figure import Aim, Figure
from benchmarks.programs import why_no_ruby

HERE = Path(__file__).parent


class Row(NamedTuple):
    """One figure: what it is called, how many calls a round has, whether it is pinned, and what is aimed at."""

    name: str
    calls: int
    is_pinned: bool
    at_least: float
    stretch: float


ROWS = (
    Row("empty", 3000, is_pinned=True, at_least=4, stretch=7),
    Row("1 KiB", 3000, is_pinned=True, at_least=3, stretch=5),
    Row("1 MiB", 60, is_pinned=True, at_least=4, stretch=8),
    Row("block", 1500, is_pinned=True, at_least=3, stretch=6),
    Row("by reference", 3000, is_pinned=True, at_least=3, stretch=6),
    Row("make, call, release", 1000, is_pinned=True, at_least=2, stretch=4),
    Row("8 threads", 8000, is_pinned=False, at_least=1.2, stretch=2),
    Row("2 processes", 6000, is_pinned=False, at_least=3, stretch=6),
)
PEERS = ("riser", "dRuby", "managers", "rpyc", "raw socket")

KIB = "x" * 1024
MIB = b"x" * (1 << 20)


def measure(call: Callable[[], object], count: int) -> float:
    """Seconds per call."""
    for _ in range(max(count // 10, 1)):
        call()
    began = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - began) / count


def in_threads(call: Callable[[], object], count: int, threads: int = 8) -> float:
    """Seconds per call of so many threads at once."""

    def body(calls: int) -> None:
        for _ in range(calls):
            call()

    def all_at_once(calls: int) -> None:
        workers = [threading.Thread(target=body, args=(calls,)) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    all_at_once(1)
    began = time.perf_counter()
    all_at_once(count // threads)
    return (time.perf_counter() - began) / (count // threads * threads)


def in_processes(calls: list[Callable[[int], object]], count: int) -> float:
    """Seconds per call of so many processes at once, each with a service process of its own."""
    each = count // len(calls)
    began = time.perf_counter()
    pids = []
    for call in calls:
        pid = os.fork()
        if pid == 0:
            call(each)
            os._exit(0)
        pids.append(pid)
    for pid in pids:
        os.waitpid(pid, 0)
    return (time.perf_counter() - began) / (each * len(calls))


class Thing:
    """What is referred to."""

    def poke(self) -> None:
        """Do nothing."""


class Front:
    """What is called; under RPyC the names have a prefix."""

    def __init__(self) -> None:
        self.kept = Thing()

    def empty(self) -> None:
        """Do nothing."""

    def echo(self, value: Any) -> Any:
        """The value."""
        return value

    def block(self, function: Callable[[], Any]) -> Any:
        """What the function returns."""
        return function()

    def thing(self) -> Thing:
        """A thing that stays."""
        return self.kept

    def make(self) -> Thing:
        """A new thing."""
        return Thing()


def one_client(row: str, front: Any, count: int) -> float | None:
    """A row of one client, or of threads; None where the peer cannot do it."""
    match row:
        case "empty":
            return measure(front.empty, count)
        case "1 KiB":
            return measure(lambda: front.echo(KIB), count)
        case "1 MiB":
            return measure(lambda: front.echo(MIB), count)
        case "block":
            return measure(lambda: front.block(lambda: None), count)
        case "by reference":
            return measure(front.thing().poke, count)
        case "make, call, release":
            return measure(lambda: front.make().poke(), count)
        case "8 threads":
            return in_threads(front.empty, count)
        case _:
            return None


def riser(row: str, count: int) -> float | None:
    """This project."""
    from riser.services.services import Services
    from riser.services.travel import by_reference

    by_reference(Thing)
    services = Services(2 if row == "2 processes" else 1)
    services.single_process("front", factory=Front)
    services.single_process("other", factory=Front)
    services.start_server()
    try:
        if row != "2 processes":
            services.start_client()
            return one_client(row, services.get_service("front"), count)

        def client(name: str) -> Callable[[int], object]:
            def calls(each: int) -> None:
                services.start_client()
                front = services.get_service(name)
                for _ in range(each):
                    front.empty()

            return calls

        return in_processes([client("front"), client("other")], count)
    finally:
        services.stop_server()


def managers(row: str, count: int) -> float | None:
    """CPython's own; it has no callbacks."""

    class Manager(multiprocessing.managers.BaseManager):
        pass

    Manager.register("Thing", lambda thing: thing, exposed=("poke",), create_method=False)
    Manager.register("Front", Front, method_to_typeid={"thing": "Thing", "make": "Thing"})
    context = multiprocessing.get_context("fork")
    with Manager(ctx=context) as one, Manager(ctx=context) as other:
        if row == "block":
            return None
        fronts = [one.Front(), other.Front()]  # type: ignore[attr-defined]  # registered above
        if row != "2 processes":
            return one_client(row, fronts[0], count)

        def client(manager: Any) -> Callable[[int], object]:
            def calls(each: int) -> None:
                # A proxy that was made before the fork would share its parent's connection.
                again = Manager(address=manager.address, authkey=bytes(multiprocessing.current_process().authkey))
                again.connect()
                front = again.Front()  # type: ignore[attr-defined]  # as above
                for _ in range(each):
                    front.empty()

            return calls

        return in_processes([client(one), client(other)], count)


def rpyc(row: str, count: int) -> float | None:
    """RPyC over a Unix socket, with a process for its server."""
    import rpyc as peer  # type: ignore[import-not-found,import-untyped,unused-ignore]  # a peer, where it is installed
    from rpyc.utils.server import ThreadedServer  # type: ignore[import-not-found,import-untyped,unused-ignore]  # as above

    path = f"/tmp/riser-benchmark-{os.getpid()}"  # noqa: S108 - a socket for a moment
    if row == "2 processes":
        return None
    pid = os.fork()
    if pid == 0:

        class Service(peer.Service):  # type: ignore[misc,unused-ignore]  # as above
            exposed_front = Front()

        ThreadedServer(
            Service, socket_path=path, protocol_config={"allow_all_attrs": True, "allow_public_attrs": True}
        ).start()
    try:
        while not _listens(path):
            time.sleep(0.01)
        connection = peer.utils.factory.unix_connect(path, config={"allow_all_attrs": True})
        return one_client(row, connection.root.front, count)
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        Path(path).unlink(missing_ok=True)


def _listens(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as sock:
        return not sock.connect_ex(path)


def raw_socket(row: str, count: int) -> float | None:
    """Two processes that send each other as many bytes as the call has, and nothing more."""
    size = {"empty": 30, "1 KiB": 1060, "1 MiB": 1 << 20, "by reference": 30}.get(row)
    if size is None:
        return None
    ours, theirs = socket.socketpair()
    message, buffer = b"x" * size, bytearray(size)
    pid = os.fork()
    if pid == 0:
        ours.close()
        while theirs.recv_into(buffer, 0, socket.MSG_WAITALL) == size:
            theirs.sendall(message)
        os._exit(0)
    theirs.close()

    def call() -> None:
        ours.sendall(message)
        ours.recv_into(buffer, 0, socket.MSG_WAITALL)

    with ours:
        seconds = measure(call, count)
    os.waitpid(pid, 0)
    return seconds


PYTHON_PEERS = {"riser": riser, "managers": managers, "rpyc": rpyc, "raw socket": raw_socket}


def take_turn(peer: str, row: Row, core: int) -> float | None:
    """One measurement, in a process of its own."""
    arguments = [row.name, str(row.calls)]
    if peer == "dRuby":
        command = ["ruby", str(HERE / "services.rb"), *arguments]
    else:
        command = [sys.executable, "-m", "benchmarks.services", peer, *arguments]
    if row.is_pinned:
        command = ["taskset", "-c", str(core), *command]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=HERE.parent)
    text = done.stdout.strip()
    if done.returncode or not text:
        raise RuntimeError(f"{peer}, {row.name}: {done.stderr.strip()[-500:]}")
    return None if text == "None" else float(text)


def why_absent(peer: str) -> str | None:
    """Why the peer cannot be measured on this machine; None if it can."""
    match peer:
        case "dRuby":
            return why_no_ruby()
        case "rpyc":
            return None if importlib.util.find_spec("rpyc") else "it is not installed"
        case _:
            return None


def figures(*, quick: bool) -> Iterator[Figure]:
    """All of them; `quick` makes a tenth of the calls."""
    absent = {peer: reason for peer in PEERS if (reason := why_absent(peer))}
    core = max(os.sched_getaffinity(0))
    for row in ROWS:
        short = row._replace(calls=max(row.calls // 10, 8)) if quick else row

        def turn(peer: str, row: Row = short) -> float | None:
            seconds = take_turn(peer, row, core)
            return None if seconds is None else seconds * 1e6

        yield Figure(
            "service-" + re.sub(r"[^a-z0-9]+", "-", row.name.lower()),
            f"service call: {row.name}" + (" (all on one core)" if row.is_pinned else ""),
            "us",
            {peer: functools.partial(turn, peer) for peer in PEERS if peer not in absent},
            (Aim(row.at_least, row.stretch, "dRuby"),),
            less_is_better=True,
            absent=absent,
        )


if __name__ == "__main__":
    peer, row, count = sys.argv[1:]
    print(PYTHON_PEERS[peer](row, int(count)))
