"""Calls of an object in another process: seconds per call, on standard output.

    python calls.py riser|managers|rpyc|raw ROW COUNT

`None` says that the peer cannot do it. The rows are those of the figures of services.
"""

import multiprocessing
import multiprocessing.managers
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

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


PEERS = {"riser": riser, "managers": managers, "rpyc": rpyc, "raw": raw_socket}


if __name__ == "__main__":
    peer, row, count = sys.argv[1:]
    print(PEERS[peer](row, int(count)))
