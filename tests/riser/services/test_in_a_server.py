"""Services in the life cycle of a server: of one process, and of children."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from riser.process import Child, ExitStatus, spawn
from riser.server import SocketServer
from riser.services.services import Services
from riser.signals import SignalInbox

from .conftest import MAY_FORK_WITH_THREADS, eventually

pytestmark = MAY_FORK_WITH_THREADS


class Counter:
    """Counts in a file, as a store on disk does; it would count wrongly in two processes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def increase(self) -> int:
        count = int(self.path.read_text()) + 1 if self.path.exists() else 1
        self.path.write_text(str(count))
        return count


def serve(listening: socket.socket, *, children: int, processes: int, path: Path) -> int:
    server = SocketServer()
    services = Services(processes)
    services.add_any_process_service("pid", os.getpid)
    services.add_sticky_process_service("pid by key", lambda _key: os.getpid())
    services.add_single_process_service("counter", Counter(path))
    services.postprocess("counter")(lambda _front: path.with_suffix(".ended").write_text("x"))

    server.process_num = children
    server.before_start(lambda _listening: services.start_server())
    server.at_fork(services.detach_server)
    server.preprocess(services.start_client)
    server.after_stop(services.stop_server)

    @server.dispatch
    def answer(connection: socket.socket) -> None:
        with connection.makefile("rwb") as stream:
            for line in stream:
                stream.write(f"{reply(line.decode().split())}\n".encode())
                stream.flush()

    def reply(words: list[str]) -> Any:
        match words:
            case ["count"]:
                counter = services.get_service("counter")
                return counter.increase() if processes else os.getpid()
            case ["server"]:
                return os.getpid()
            case ["pid"]:
                return services["pid"]
            case _:
                return services["pid by key", words[1]]

    server.start(listening)
    return 0


@contextmanager
def running(tmp_path: Path, *, children: int, processes: int) -> Iterator[tuple[Child, tuple[str, int]]]:
    listening = socket.create_server(("127.0.0.1", 0))
    address = listening.getsockname()

    def body(inbox: SignalInbox) -> int:
        # It is the server's own inbox that is to hear of signals.
        inbox.close()
        return serve(listening, children=children, processes=processes, path=tmp_path / "count")

    server = spawn(body, operations={})
    listening.close()
    try:
        yield server, address
    finally:
        server.send(signal.SIGKILL)
        server.reap(block=True)


def ask(address: tuple[str, int], *questions: str) -> list[str]:
    with socket.create_connection(address, timeout=30) as sock, sock.makefile("rwb") as stream:
        answers = []
        for question in questions:
            stream.write(f"{question}\n".encode())
            stream.flush()
            answers.append(stream.readline().decode().strip())
        return answers


@pytest.mark.parametrize("children", [0, 2])
@pytest.mark.parametrize("processes", [1, 4])
def test_a_server_calls_services_from_start_to_stop(tmp_path: Path, children: int, processes: int) -> None:
    with running(tmp_path, children=children, processes=processes) as (server, address):
        pids = {pid for _ in range(20) for pid in ask(address, *["pid"] * 5)}
        assert len(pids) == processes
        assert not pids & set(ask(address, "server"))
        places = [ask(address, *[f"key {number}" for number in range(20)]) for _ in range(4)]
        assert places[1:] == places[:1] * 3
        assert sorted(int(ask(address, "count")[0]) for _ in range(20)) == list(range(1, 21))
        server.send(signal.SIGTERM)
        assert server.reap(block=True) == ExitStatus(code=0)
        assert (tmp_path / "count").read_text() == "20"
        assert (tmp_path / "count.ended").exists()
        assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_without_processes_the_server_is_its_own_service_process(tmp_path: Path) -> None:
    with running(tmp_path, children=0, processes=0) as (server, address):
        assert set(ask(address, "server", "pid", "key a")) == {str(server.pid)}
        server.send(signal.SIGTERM)
        assert server.reap(block=True) == ExitStatus(code=0)
        assert (tmp_path / "count.ended").exists()


def test_children_without_service_processes_fail_at_the_start(tmp_path: Path) -> None:
    with running(tmp_path, children=2, processes=0) as (server, _):
        assert server.reap(block=True).code not in (0, None)  # type: ignore[union-attr]  # it has ended


@pytest.mark.parametrize("children", [0, 2])
def test_a_stopping_server_does_not_keep_its_port(tmp_path: Path, children: int) -> None:
    with running(tmp_path, children=children, processes=1) as (server, address):
        with socket.create_connection(address, timeout=30) as sock, sock.makefile("rwb") as stream:
            stream.write(b"pid\n")
            stream.flush()
            assert stream.readline()
            server.send(signal.SIGTERM)
            eventually(lambda: _refuses(address), "new connections are refused")
            # The one that is being served still has its services.
            stream.write(b"pid\n")
            stream.flush()
            assert stream.readline()
        assert server.reap(block=True) == ExitStatus(code=0)


@pytest.mark.parametrize("children", [0, 2])
def test_a_killed_server_leaves_no_service_process(tmp_path: Path, children: int) -> None:
    with running(tmp_path, children=children, processes=2) as (server, address):
        pids = {pid for _ in range(10) for pid in ask(address, *["pid"] * 5)}
        assert len(pids) == 2
        server.send(signal.SIGKILL)
        eventually(lambda: not any(_is_alive(pid) for pid in pids), "all have ended")


def test_a_child_that_takes_a_dead_ones_place_is_a_client_too(tmp_path: Path) -> None:
    with running(tmp_path, children=2, processes=1) as (_, address):
        for _ in range(3):
            (child, before) = ask(address, "server", "pid")
            os.kill(int(child), signal.SIGKILL)
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline:
                if [answer for _ in range(4) for answer in ask(address, "pid")] == [before] * 4:
                    break
            else:
                pytest.fail("no answers")


def _refuses(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=30).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        return False  # It was in the queue of the socket that was closed just then.
    return False


def _is_alive(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
