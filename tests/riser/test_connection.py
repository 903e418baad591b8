"""What a server knows of a connection: how to end it, how to close it for good, whose fault an error is."""

import errno
import os
import socket
import ssl
from collections.abc import Iterator

import pytest

from riser.connection import Connection, is_the_connections_own

Pair = tuple[Connection, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, peer = socket.socketpair()
    connection = Connection(ours.family, ours.type, ours.proto, fileno=ours.detach())
    peer.settimeout(10)
    yield connection, peer
    connection.close()
    peer.close()


def test_a_connection_is_a_blocking_socket(pair: Pair) -> None:
    connection, peer = pair
    assert connection.gettimeout() is None
    with connection.makefile("rwb") as file:
        peer.sendall(b"a line\n")
        assert file.readline() == b"a line\n"


def test_a_cut_connection_ends_for_both_sides_and_stays_open(pair: Pair) -> None:
    connection, peer = pair
    connection.cut()
    assert peer.recv(1) == b""
    assert connection.recv(1) == b""
    assert connection.fileno() >= 0


def test_a_connection_whose_descriptor_was_wrapped_is_cut_all_the_same(pair: Pair) -> None:
    connection, peer = pair
    wrapped = socket.socket(connection.family, fileno=connection.detach())
    connection.cut()
    assert peer.recv(1) == b""
    wrapped.close()
    connection.cut()


def test_a_descriptor_that_has_become_something_else_is_not_cut(pair: Pair) -> None:
    connection, _ = pair
    one, other = socket.socketpair()
    number = connection.detach()
    os.dup2(one.fileno(), number)
    connection.cut()
    other.sendall(b"alive")
    assert one.recv(5) == b"alive"
    os.close(number)
    one.close()
    other.close()


def test_closing_for_good_does_not_wait_for_files_made_from_the_connection(pair: Pair) -> None:
    connection, peer = pair
    file = connection.makefile("rb")
    connection.close()
    assert connection.fileno() >= 0
    connection.close_for_good()
    assert peer.recv(1) == b""
    file.close()


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError(errno.ECONNRESET, "reset"),
        BrokenPipeError(errno.EPIPE, "pipe"),
        TimeoutError("timed out"),
        OSError(errno.EHOSTUNREACH, "no route"),
        OSError(errno.ENOTCONN, "not connected"),
        ssl.SSLError(1, "bad handshake"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    ],
)
def test_what_a_peer_can_cause_is_the_connections_own(error: BaseException) -> None:
    assert is_the_connections_own(error)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a fault of the program"),
        FileNotFoundError(errno.ENOENT, "no such file"),
        OSError(errno.ENOSPC, "no space left"),
        ConnectionRefusedError(errno.ECONNREFUSED, "a backend that is down"),
        SystemExit(1),
        KeyboardInterrupt(),
        UnicodeEncodeError("ascii", "ä", 0, 1, "ordinal not in range"),
    ],
)
def test_what_is_a_fault_of_the_program_is_not(error: BaseException) -> None:
    assert not is_the_connections_own(error)
