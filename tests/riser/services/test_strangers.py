"""Whatever comes to a service's socket without the pool's secret runs nothing and harms nothing."""

import contextlib
import ctypes
import os
import pickle
import random
import socket
import struct
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from riser.process import ExitStatus, spawn
from riser.services.errors import ServiceUnavailableError
from riser.services.frames import HEADER
from riser.services.handshake import Hello, Role, greet, new_name
from riser.services.services import Services
from riser.signals import SignalInbox

from .conftest import MAY_FORK_WITH_THREADS, eventually, make_services

pytestmark = MAY_FORK_WITH_THREADS

HELLO_BYTES = 56


@pytest.fixture(scope="module")
def guarded() -> Iterator[Services]:
    """A pool of one that does not wait long for a peer's name."""
    with make_services(1, handshake_timeout_seconds=1) as services:
        yield services


def site_of(services: Services) -> Any:
    return services._backend._site  # type: ignore[attr-defined]


def visit(services: Services) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(30)
    sock.connect(str(site_of(services).directory / "0.socket"))
    return sock


def admitted(services: Services, role: Role = Role.CALLS) -> socket.socket:
    """A connection that has the secret, as only a process of the pool's has."""
    sock = visit(services)
    greet(sock, Hello(role, new_name()), secret=site_of(services).secret, deadline=time.monotonic() + 30)
    sock.settimeout(30)
    return sock


def ends(sock: socket.socket) -> bool:
    """Whether the other side hangs up without a word."""
    try:
        return sock.recv(1000) == b""
    except ConnectionError:
        return True


class Command:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return os.system, (f"touch {self.path}",)


def is_well(services: Services) -> bool:
    return bool(services.get_service("workshop").echo("well") == "well")


def test_a_pickle_that_runs_a_command_runs_nothing(guarded: Services, tmp_path: Path) -> None:
    command = pickle.dumps(Command(tmp_path / "ran"))
    hello = struct.pack("!4sHBx32s16s", b"RISR", 1, 0, os.urandom(32), os.urandom(16))
    for message in (command, HEADER.pack(len(command), 0, 0, 0) + command, hello + HEADER.pack(9, 0, 0, 0) + command):
        with visit(guarded) as sock:
            sock.sendall(message)
            assert ends(sock)
    assert is_well(guarded)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("seed", range(20))
def test_random_bytes_are_hung_up_on(guarded: Services, seed: int) -> None:
    dice = random.Random(seed)
    with visit(guarded) as sock:
        message = dice.randbytes(dice.choice([HELLO_BYTES, 100, 70_000]))
        with contextlib.suppress(ConnectionError):
            sock.sendall(message)
        assert ends(sock)
    assert is_well(guarded)


@pytest.mark.parametrize("size", [0, 1, 4, HELLO_BYTES - 1])
def test_silence_and_half_a_sentence_are_hung_up_on_after_the_deadline(guarded: Services, size: int) -> None:
    with visit(guarded) as sock:
        # On a busy machine the deadline may be over before it is said.
        with contextlib.suppress(ConnectionError):
            sock.sendall(b"RISR\0\1\0\0"[:size] + bytes(max(size - 8, 0)))
        assert ends(sock)


def test_dozens_who_are_silent_keep_nobody_waiting(guarded: Services) -> None:
    silent = [visit(guarded) for _ in range(60)]
    began = time.monotonic()
    assert all(is_well(guarded) for _ in range(20))
    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(lambda _: is_well(guarded), range(16)))
    assert time.monotonic() - began < 10
    assert all(ends(sock) for sock in silent)
    for sock in silent:
        sock.close()


def test_a_client_of_another_version_is_told(guarded: Services) -> None:
    with visit(guarded) as sock:
        sock.sendall(struct.pack("!4sHBx32s16s", b"RISR", 99, 0, site_of(guarded).secret, new_name()))
        assert sock.recv(100)[:7] == b"RISR\0\1\1"
        assert ends(sock)


@pytest.mark.parametrize(
    "message",
    [
        HEADER.pack(0xFFFFFFFF, 0, 0, 0) + b"x" * 100,
        HEADER.pack(10, 0, 0, 0xFFFF) + b"\xff" * (4 * 0xFFFF),
        HEADER.pack(10, 99, 0, 0) + b"0123456789",
        HEADER.pack(4, 1, 0, 0) + pickle.dumps(None),
        HEADER.pack(4, 3, 0, 0) + pickle.dumps(None),
        HEADER.pack(4, 0, 0, 0) + pickle.dumps(None) + b"and more",
        HEADER.pack(100, 0, 0, 0) + b"too short",
    ],
    ids=["length", "buffers", "kind", "return", "block", "more", "less"],
)
def test_a_client_that_does_not_keep_to_the_protocol_is_hung_up_on(guarded: Services, message: bytes) -> None:
    with admitted(guarded) as sock:
        sock.sendall(message)
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(10_000):
            pass
    assert is_well(guarded)


def test_a_client_whose_body_does_not_unpickle_is_told_and_may_go_on(guarded: Services) -> None:
    with admitted(guarded) as sock:
        for _ in range(2):
            for body in (b"rubbish\n.", pickle.dumps(None), pickle.dumps((1, "echo"))):
                sock.sendall(HEADER.pack(len(body), 0, 0, 0) + body)
                length, kind, _, _ = HEADER.unpack(sock.recv(8))
                assert kind == 2
                assert len(sock.recv(length, socket.MSG_WAITALL)) == length


def test_rubbish_on_a_lease_is_hung_up_on(guarded: Services) -> None:
    for rubbish in (b"\xff" * 13, b"\1" + bytes(8) + b"\0\0\0\0" + bytes(16)):
        with admitted(guarded, Role.LEASE) as sock:
            sock.sendall(rubbish)
            sock.shutdown(socket.SHUT_WR)
            assert ends(sock)
    assert is_well(guarded)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_another_user_is_hung_up_on_even_with_the_secret() -> None:
    with make_services(1) as services:
        directory = site_of(services).directory
        for path in (directory.parent, directory, directory / "0.socket"):
            if path != Path("/tmp"):
                path.chmod(0o777)

        def try_it(_inbox: SignalInbox) -> int:
            os.setgroups([])
            # The calls of the C library change all ids for this process alone, as the parent's threads are not here.
            assert ctypes.CDLL(None).setresuid(65534, 65534, 65534) == 0
            try:
                admitted(services)
            except ConnectionError:
                return 7
            return 1

        assert spawn(try_it, operations={}).reap(block=True) == ExitStatus(code=7)
        assert is_well(services)


def test_connections_beyond_the_limit_are_refused_and_told_so() -> None:
    with make_services(1, connection_limit=6, connect_timeout_seconds=0.5) as services:
        assert is_well(services)
        full = [admitted(services) for _ in range(4)]
        workshop = services.get_service("workshop")
        with ThreadPoolExecutor(2) as threads:
            busy = threads.submit(workshop.sleep, 0.5)
            eventually(lambda: busy.done() or _is_refused(services), "refused")
            busy.result(30)
        assert is_well(services)
        for sock in full:
            sock.close()


def _is_refused(services: Services) -> bool:
    try:
        services._backend._need_client().slots[0].connect(30)  # type: ignore[attr-defined]
    except ServiceUnavailableError as error:
        return "no connections left to give" in str(error)
    return False
