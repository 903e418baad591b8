"""A daemon under a service manager: what it takes from the environment, and what it says when."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from riser.activation import Inherited, Manager, message_of
from riser.core.address import TcpAddress
from riser.core.phases import Condition
from riser.errors import ListenError
from tests.conftest import eventually, needs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ANYWHERE = TcpAddress("127.0.0.1", 0)

DAEMON = """
import os, sys
from riser.daemon import start_daemon
def setup(server):
    @server.dispatch
    def serve(connection):
        connection.sendall(f"{sorted(name for name in os.environ if 'LISTEN' in name or 'NOTIFY' in name)}\\n".encode())
sys.exit(start_daemon(setup, daemonize=False, listen_address="127.0.0.1:0"))
"""


@pytest.fixture
def manager_socket() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(b"\0riser-test-" + os.urandom(8).hex().encode())
        receiver.settimeout(30)
        yield receiver


def name_of(receiver: socket.socket) -> str:
    name = receiver.getsockname()
    assert isinstance(name, bytes)
    return f"@{name[1:].decode()}"


# The environment


def test_another_process_is_meant() -> None:
    environment = {"LISTEN_PID": "1", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "x"}
    assert Inherited.take(environment).sockets == ()
    assert environment == {}


def test_nothing_is_inherited_without_the_variables() -> None:
    inherited = Inherited.take({})
    listener = inherited.open(1, ANYWHERE)
    assert listener.describe().startswith("127.0.0.1:")
    listener.close()


def test_watchdog_of_another_process_is_not_fed() -> None:
    assert Manager.take({"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1", "NOTIFY_SOCKET": "@x"}).due() is None


def test_watchdog_begins_with_the_service(manager_socket: socket.socket) -> None:
    manager = Manager.take({"WATCHDOG_USEC": "1000000", "NOTIFY_SOCKET": name_of(manager_socket)})
    manager.tell(Condition.STARTING)
    assert manager.due() is None
    manager.tell(Condition.SERVING)
    due = manager.due()
    assert due is not None
    manager.feed(due)
    assert manager.due() == due + 0.5
    messages = [manager_socket.recv(4096) for _ in range(3)]
    assert messages[2] == b"WATCHDOG=1"


def test_manager_that_is_not_there_harms_nobody() -> None:
    Manager.take({"NOTIFY_SOCKET": "/nowhere/at/all"}).tell(Condition.SERVING)


# The words


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (Condition.STARTING, "STATUS=starting"),
        (Condition.SERVING, "READY=1\nMAINPID=4711\nSTATUS=serving"),
        (Condition.RELOADING, "RELOADING=1\nMONOTONIC_USEC=2500000\nSTATUS=restarting, still serving"),
        (Condition.DOWN, "STATUS=no server, trying again"),
        (Condition.STOPPING, "STOPPING=1\nSTATUS=stopping"),
    ],
)
def test_every_condition_has_its_message(condition: Condition, message: str) -> None:
    assert message_of(condition, pid=4711, now=2.5) == message


# Real ones


def start_under_manager(receiver: socket.socket, inherited: socket.socket, **more: str) -> subprocess.Popen[bytes]:
    """A daemon that finds the socket as descriptor 3, as a service manager would start it."""
    launcher = (
        "import os, sys\n"
        f"os.dup2({inherited.fileno()}, 3)\n"
        "os.environ['LISTEN_PID'] = str(os.getpid())\n"
        f"os.execv(sys.executable, [sys.executable, '-X', 'dev', '-W', 'error', '-c', {DAEMON!r}])\n"
    )
    environment = {**os.environ, "LISTEN_FDS": "1", "NOTIFY_SOCKET": name_of(receiver), **more}
    return subprocess.Popen(
        [sys.executable, "-c", launcher],
        env=environment,
        pass_fds=(inherited.fileno(),),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def test_inherited_socket_is_used_kept_and_announced(
    manager_socket: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as inherited:
        monkeypatch.chdir(tmp_path)  # A Unix path has to be short.
        inherited.bind("s")
        inherited.listen()
        daemon = start_under_manager(manager_socket, inherited)
        try:
            message = manager_socket.recv(4096).decode()
            assert message.startswith(f"READY=1\nMAINPID={daemon.pid}\n")
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(30)
                client.connect("s")
                assert client.makefile().readline() == "[]\n"
            daemon.send_signal(signal.SIGHUP)
            assert manager_socket.recv(4096).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
            assert manager_socket.recv(4096).startswith(b"READY=1")
            daemon.terminate()
            assert manager_socket.recv(4096).startswith(b"STOPPING=1")
            output, _ = daemon.communicate(timeout=30)
            assert daemon.returncode == 0
            assert b"open server socket: unix:s" in output
            assert path.exists()
        finally:
            daemon.kill()
            daemon.communicate(timeout=30)


def test_watchdog_is_fed_until_the_end(manager_socket: socket.socket) -> None:
    with socket.create_server(("127.0.0.1", 0)) as inherited:
        daemon = start_under_manager(manager_socket, inherited, WATCHDOG_USEC="100000")
        try:
            fed = 0
            while fed < 5:
                fed += manager_socket.recv(4096) == b"WATCHDOG=1"
        finally:
            daemon.terminate()
            daemon.communicate(timeout=30)
    assert daemon.returncode == 0


def test_inherited_socket_that_does_not_listen_is_refused() -> None:
    with socket.socket() as idle:
        idle.bind(("127.0.0.1", 0))
        with pytest.raises(ListenError, match="does not listen"):
            Inherited((idle,)).open(1, ANYWHERE)


def test_inherited_descriptor_that_is_no_socket_is_refused_by_its_number() -> None:
    program = 'exec 3</dev/null; export LISTEN_FDS=1 LISTEN_PID=$$; exec "$@"'
    command = ["/bin/sh", "-c", program, "sh", sys.executable, "-c", DAEMON]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "cannot listen on the inherited descriptor 3: Socket operation on non-socket" in done.stderr
    assert "Traceback" not in done.stderr


def test_only_the_first_listener_is_inherited() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        inherited = Inherited((server,))
        first, second = inherited.open(1, ANYWHERE), inherited.open(2, ANYWHERE)
        assert first.describe() == f"127.0.0.1:{server.getsockname()[1]}"
        assert second.describe() != first.describe()
        assert not first.remove()
        first.close()
        second.close()
        assert not select.select([server], [], [], 0)[0]


@needs("systemd-socket-activate")
def test_the_socket_activation_of_systemd_starts_a_daemon_that_serves_the_client_who_came_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # A Unix path has to be short.
    command = ["systemd-socket-activate", "--listen", str(tmp_path / "s"), sys.executable, "-c", DAEMON]
    daemon = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        eventually((tmp_path / "s").exists, "systemd-socket-activate listens")
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(60)
            eventually(lambda: client.connect_ex("s") == 0, "somebody can connect")
            assert client.makefile().readline() == "[]\n"
        daemon.terminate()
    except BaseException:
        daemon.kill()
        raise
    finally:
        output, _ = daemon.communicate(timeout=60)
    assert (daemon.returncode, b"open server socket: unix:" in output) == (0, True), output
