"""Listening sockets: opened, described, tuned, and removed only where they are still one's own."""

import errno
import logging
import os
import socket
import stat
from pathlib import Path
from typing import Any

import pytest

from riser.core.address import TcpAddress, UnixAddress
from riser.errors import AddressError, ListenError
from riser.listener import Listener, read_address

pytestmark = pytest.mark.usefixtures("no_descriptor_left")


def test_tcp_addresses_are_opened_on_port_0_and_describe_the_real_port() -> None:
    listener = Listener.open(TcpAddress("127.0.0.1", 0))
    port = listener.socket.getsockname()[1]
    assert listener.describe() == f"127.0.0.1:{port}"
    with socket.create_connection(("127.0.0.1", port)):
        pass
    listener.close()
    assert listener.fileno() == -1


def test_ipv6_hosts_are_described_in_brackets() -> None:
    listener = Listener.open(TcpAddress("::1", 0))
    assert listener.describe() == f"[::1]:{listener.socket.getsockname()[1]}"
    listener.close()


def test_an_occupied_port_is_refused_with_the_systems_reason() -> None:
    listener = Listener.open(TcpAddress("127.0.0.1", 0))
    port = listener.socket.getsockname()[1]
    with pytest.raises(ListenError, match=rf"cannot listen on tcp://127.0.0.1:{port}: Address already in use"):
        Listener.open(TcpAddress("127.0.0.1", port))
    listener.close()


def test_a_host_that_is_not_of_this_machine_is_refused() -> None:
    with pytest.raises(ListenError, match=r"cannot listen on tcp://192\.0\.2\.1:0: "):
        Listener.open(TcpAddress("192.0.2.1", 0))


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".example"])
def test_a_host_that_cannot_be_a_name_is_refused(host: str) -> None:
    with pytest.raises(ListenError, match=rf"^cannot listen on tcp://{host}:0: the host is not the name of one"):
        Listener.open(TcpAddress(host, 0))


@pytest.mark.parametrize("name", ["\ud800", "a\0b"])
def test_a_service_that_cannot_be_asked_for_is_unknown(name: str) -> None:
    with pytest.raises(AddressError, match=r"^port: "):
        read_address({"type": "tcp", "host": "h", "port": name})


def test_service_names_are_looked_up() -> None:
    assert read_address({"type": "tcp", "host": "h", "port": "http"}) == TcpAddress("h", 80)
    with pytest.raises(AddressError, match=r"^port: "):
        read_address({"type": "tcp", "host": "h", "port": "no-such-service"})


def test_a_socket_file_is_removed_by_the_one_who_bound_it(short_path: Path) -> None:
    path = short_path / "s"
    listener = Listener.open(UnixAddress(str(path)))
    assert listener.describe() == f"unix:{path}"
    listener.close()
    assert listener.remove()
    assert not path.exists()
    assert not listener.remove()


def test_a_socket_file_that_another_server_has_bound_since_is_left_alone(short_path: Path) -> None:
    path = short_path / "s"
    first = Listener.open(UnixAddress(str(path)))
    path.unlink()
    second = Listener.open(UnixAddress(str(path)))
    first.close()
    assert not first.remove()
    assert path.exists()
    second.close()
    assert second.remove()


def test_an_adopted_socket_is_never_removed(short_path: Path) -> None:
    opened = Listener.open(UnixAddress(str(short_path / "s")))
    adopted = Listener.adopt(opened.socket)
    assert adopted.describe() == opened.describe()
    assert not adopted.remove()
    opened.close()
    opened.remove()


def test_a_stale_socket_file_does_not_stop_a_start(short_path: Path) -> None:
    path = short_path / "s"
    Listener.open(UnixAddress(str(path))).close()
    assert path.exists()
    listener = Listener.open(UnixAddress(str(path)))
    listener.close()
    assert listener.remove()


def test_a_live_socket_stops_a_start_and_is_not_removed(short_path: Path) -> None:
    path = short_path / "s"
    living = Listener.open(UnixAddress(str(path)))
    with pytest.raises(ListenError, match="a live server listens there"):
        Listener.open(UnixAddress(str(path)))
    assert path.exists()
    living.close()
    living.remove()


def test_a_file_that_is_no_socket_is_never_removed(short_path: Path) -> None:
    path = short_path / "s"
    path.write_text("precious")
    with pytest.raises(ListenError, match="exists and is not a socket"):
        Listener.open(UnixAddress(str(path)))
    assert path.read_text() == "precious"


def test_a_directory_that_is_not_there_is_named(short_path: Path) -> None:
    with pytest.raises(ListenError, match="no/s: No such file or directory"):
        Listener.open(UnixAddress(str(short_path / "no" / "s")))


@pytest.mark.parametrize(
    ("address", "bound", "tuned"),
    [
        ({"mode": 0o600}, 0o600, 0o600),
        ({"mode": 0o660}, 0o660, 0o660),
        ({"mode": 0o660, "group": os.getgid()}, 0o600, 0o660),
        ({"mode": 0o606, "owner": os.getuid()}, 0o600, 0o606),
    ],
)
def test_a_socket_file_is_never_more_permissive_than_asked(
    short_path: Path, address: dict[str, Any], bound: int, tuned: int
) -> None:
    """address.unix.mode.exact: already when it is bound, whatever the umask, and before its group is the right one."""
    path = short_path / "s"
    given = UnixAddress(str(path), **address)
    previous = os.umask(0)
    try:
        listener = Listener.open(given)
    finally:
        os.umask(previous)
    assert stat.S_IMODE(path.stat().st_mode) == bound
    assert [level for level, _ in listener.tune(given)].count(logging.WARNING) == 0
    assert stat.S_IMODE(path.stat().st_mode) == tuned
    listener.close()
    listener.remove()


def test_the_kernel_is_told_the_backlog(short_path: Path) -> None:
    """address.options: as many connections as asked for wait for an accept, and one more; the next has to wait."""
    given = UnixAddress(str(short_path / "s"), backlog=1)
    listener = Listener.open(given)
    assert waiting(given.path) == 2
    list(listener.tune(UnixAddress(given.path, backlog=4)))
    assert waiting(given.path) == 3
    listener.close()
    listener.remove()


def waiting(path: str) -> int:
    """How many more connections the backlog of a Unix socket takes; they stay in it."""
    count = 0
    while True:
        with socket.socket(socket.AF_UNIX) as client:
            client.setblocking(False)
            try:
                client.connect(path)
            except BlockingIOError:
                return count
            count += 1


def test_options_are_applied_to_the_open_socket_and_told(short_path: Path) -> None:
    path = short_path / "s"
    listener = Listener.open(UnixAddress(str(path)))
    uid, gid = os.getuid(), os.getgid()
    told = list(listener.tune(UnixAddress(str(path), backlog=3, mode=0o610, owner=uid, group=gid)))
    assert told == [
        (logging.INFO, "server socket backlog: 3"),
        (logging.INFO, f"unix domain server socket ownership: <{uid}> <{gid}>"),
        (logging.INFO, "unix domain server socket mode: 0610"),
    ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o610
    told = list(listener.tune(UnixAddress(str(path))))
    assert [text for _, text in told] == [
        "server socket backlog is not changed.",
        "unix domain server socket ownership is not changed.",
        "unix domain server socket mode is not changed.",
    ]
    listener.close()
    listener.remove()


def test_an_option_that_cannot_be_set_is_a_warning(short_path: Path) -> None:
    path = short_path / "s"
    listener = Listener.open(UnixAddress(str(path)))
    path.unlink()
    told = list(listener.tune(UnixAddress(str(path), mode=0o600, owner="no-such-user")))
    assert [level for level, _ in told] == [logging.INFO, logging.WARNING, logging.WARNING]
    assert "no-such-user" in told[1][1]
    assert os.strerror(errno.ENOENT) in told[2][1]
    listener.close()
