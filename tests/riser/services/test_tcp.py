"""Over TCP nobody is served who has not shown the pool's key and secret, and nothing is sent in the clear."""

import contextlib
import gc
import os
import pickle
import random
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest

from riser.process import ExitStatus, spawn
from riser.services.engines.identity import new_identity
from riser.services.errors import ServiceUnavailableError
from riser.services.frames import HEADER, HangupError
from riser.services.handshake import Hello, Role, greet, new_name
from riser.services.secure import Address, SecureSocket, TcpEndpoint
from riser.services.services import Services
from riser.signals import SignalInbox

from .conftest import MAY_FORK_WITH_THREADS, TcpBackend, eventually, has_heard_of_the_end, over_tcp

pytestmark = MAY_FORK_WITH_THREADS

HANDSHAKE_SECONDS = 0.3

Connection = TypeVar("Connection", bound=socket.socket)


@pytest.fixture(scope="module")
def guarded() -> Iterator[Services]:
    """Services that do not wait long for a peer's name."""
    with over_tcp(handshake_timeout_seconds=HANDSHAKE_SECONDS) as services:
        yield services


def backend_of(services: Services) -> TcpBackend:
    backend = services._backend
    assert isinstance(backend, TcpBackend)
    return backend


def visit(services: Services) -> socket.socket:
    """A stranger's connection."""
    return socket.create_connection(backend_of(services).address, timeout=30)


def handshake(services: Services) -> SecureSocket:
    """A connection inside of TLS, with the pool's key."""
    there = backend_of(services).address, backend_of(services).identity
    return patiently(lambda: TcpEndpoint(lambda _deadline: there).connect(time.monotonic() + 30))


def patiently(shake_hands: Callable[[], Connection]) -> Connection:
    """A connection inside of TLS: again, if a busy machine had no time for it before the service lost its patience."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return shake_hands()
        except OSError:
            if time.monotonic() > deadline:
                raise


def is_well(services: Services) -> bool:
    return bool(services.get_service("workshop").echo("well") == "well")


def ends(sock: socket.socket) -> bool:
    """Whether the other side hangs up, with no more than an alert of TLS."""
    try:
        return len(sock.recv(1000)) <= 7 and sock.recv(1000) == b""
    except ConnectionError:
        return True


class Command:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return os.system, (f"touch {self.path}",)


def hello_with(secret: bytes) -> bytes:
    return struct.pack("!4sHBx32s16s", b"RISR", 1, 0, secret, new_name())


@pytest.mark.parametrize("key", ["none", "no certificate", "another certificate", "the pool's certificate"])
def test_a_pickle_that_runs_a_command_runs_nothing(guarded: Services, tmp_path: Path, key: str) -> None:
    command = pickle.dumps(Command(tmp_path / "ran"))
    message = HEADER.pack(len(command), 0, 0, 0) + command
    secret = os.urandom(32) if key == "the pool's certificate" else backend_of(guarded)._secret
    with contextlib.ExitStack() as stack:
        match key:
            case "none":
                sock = visit(guarded)
            case "the pool's certificate":
                sock = handshake(guarded)
            case _:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                if key == "another certificate":
                    context = new_identity("dask").context(server=False)
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                sock = patiently(lambda: context.wrap_socket(visit(guarded)))
        stack.enter_context(sock)
        sock.settimeout(30)
        # It may be hung up on before it has said its word.
        with contextlib.suppress(OSError):
            sock.sendall(hello_with(secret) + message)
        try:
            answer = sock.recv(100)
        except OSError:
            answer = b""
        assert not answer or key == "none"
    assert is_well(guarded)
    assert not (tmp_path / "ran").exists()


def record(size: int, *, kind: int = 22) -> bytes:
    """The beginning of a record of TLS that is said to have this length."""
    return struct.pack("!BHH", kind, 0x0301, size)


@pytest.mark.parametrize(
    "message",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        hello_with(bytes(32)) + HEADER.pack(0xFFFFFFFF, 0, 0, 0xFFFF),
        record(0xFFFF) + bytes(0xFFFF),
        record(16384) + b"\x01\xff\xff\xff" + bytes(16380),
        record(4) + b"\x01\x00\x00\x00",
        record(16384, kind=23) + bytes(16384),
    ],
    ids=["http", "hello in the clear", "huge record", "huge message", "empty message", "data"],
)
def test_what_is_no_handshake_is_hung_up_on(guarded: Services, message: bytes) -> None:
    with visit(guarded) as sock:
        with contextlib.suppress(ConnectionError):
            sock.sendall(message)
        assert ends(sock)
    assert is_well(guarded)


@pytest.mark.parametrize("seed", range(20))
def test_random_bytes_are_hung_up_on(guarded: Services, seed: int) -> None:
    dice = random.Random(seed)
    begin = record(dice.randrange(1, 0x4000)) if seed % 2 else b""
    with visit(guarded) as sock:
        with contextlib.suppress(ConnectionError):
            sock.sendall(begin + dice.randbytes(dice.choice([1, 100, 70_000])))
        assert ends(sock)
    assert is_well(guarded)


@pytest.mark.parametrize("size", [0, 1, 5, 100, 200])
def test_silence_and_half_a_handshake_are_hung_up_on_after_the_deadline(guarded: Services, size: int) -> None:
    said = client_hello()[:size]
    with visit(guarded) as sock:
        # On a busy machine the deadline may be over before it is said.
        with contextlib.suppress(ConnectionError):
            sock.sendall(said)
        assert ends(sock)


def client_hello() -> bytes:
    """What a client of TLS says first."""
    outgoing = ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), outgoing).do_handshake()
    hello = outgoing.read()
    assert len(hello) > 200
    return hello


@pytest.mark.parametrize("size", [0, 1, 55])
def test_a_peer_that_has_the_key_and_is_silent_is_hung_up_on_after_the_deadline(guarded: Services, size: int) -> None:
    with handshake(guarded) as sock:
        sock.settimeout(30)
        with contextlib.suppress(ConnectionError):  # as above
            sock.sendall(b"RISR\0\1\0\0"[:size] + bytes(max(size - 8, 0)) if size else b"")
        assert ends(sock)


def test_dozens_who_are_silent_keep_nobody_waiting(guarded: Services) -> None:
    silent = [visit(guarded) for _ in range(60)]
    assert all(is_well(guarded) for _ in range(20))
    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(lambda _: is_well(guarded), range(16)))
    assert all(ends(sock) for sock in silent)
    for sock in silent:
        sock.close()


def test_a_service_process_without_the_pools_key_is_told_nothing() -> None:
    # What listens there waits for a secret that it is not told, as the client demands the pool's certificate first.
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def listen() -> None:
            context = new_identity("dask").context(server=True)
            context.verify_mode = ssl.CERT_NONE
            with contextlib.suppress(OSError), context.wrap_socket(listener.accept()[0], server_side=True) as secure:
                heard.append(secure.recv(1000))

        thread = threading.Thread(target=listen)
        thread.start()
        there = Address(*listener.getsockname()), new_identity("dask")
        endpoint = TcpEndpoint(lambda _deadline: there)
        with pytest.raises(ConnectionResetError, match="certificate verify failed"):
            endpoint.connect(time.monotonic() + 30)
        thread.join(30)
    assert not any(heard)


def test_nothing_goes_over_the_wire_in_the_clear() -> None:
    seen = bytearray()
    with (
        over_tcp() as services,
        socket.create_server(("127.0.0.1", 0)) as listener,
        contextlib.ExitStack() as stack,
    ):
        backend = backend_of(services)
        there = backend.address
        between = Address(*listener.getsockname()), backend.identity
        endpoint = TcpEndpoint(lambda _deadline: between)
        with ThreadPoolExecutor(1) as threads:
            connecting = threads.submit(endpoint.connect, time.monotonic() + 30)
            near = stack.enter_context(listener.accept()[0])
            far = stack.enter_context(socket.create_connection(there))

            def pump(source: socket.socket, sink: socket.socket) -> None:
                with contextlib.suppress(OSError):
                    while piece := source.recv(65536):
                        seen.extend(piece)
                        sink.sendall(piece)

            pumps = [threading.Thread(target=pump, args=pair) for pair in ((near, far), (far, near))]
            for each in pumps:
                each.start()
            sock = connecting.result(30)
        greet(sock, Hello(Role.CALLS, new_name()), secret=backend._secret, deadline=time.monotonic() + 30)
        body = pickle.dumps((1, "echo", ("a word that can be recognised",), {}))
        sock.sendall(HEADER.pack(len(body), 0, 0, 0) + body)
        assert b"a word that can be recognised" in sock.recv(1000)
        sock.close()
        for end in (near, far):
            end.shutdown(socket.SHUT_RDWR)
        for each in pumps:
            each.join(30)
    assert len(seen) > 1000
    assert b"recognised" not in seen
    assert b"RISR" not in seen
    assert backend._secret not in seen


def test_an_idle_connection_that_was_lost_is_replaced_without_a_word() -> None:
    with over_tcp() as services:
        workshop = services.get_service("workshop")
        for size in (1, 100_000):
            assert workshop.echo(bytes(size)) == bytes(size)
            lose_calls(services)
            assert workshop.echo(bytes(size)) == bytes(size)


def lose_calls(services: Services) -> None:
    """End all connections but the lease, as seen from the service."""
    host = backend_of(services)._host
    assert host is not None
    for sock, connection in list(host._connections.items()):
        if connection.role is Role.CALLS:
            sock.shutdown(socket.SHUT_RDWR)
    eventually(lambda: all(each.role is Role.LEASE for each in host._connections.values()), "lost")
    eventually(lambda: has_heard_of_the_end(services), "lost, and known to be")


def test_a_call_to_where_nobody_is_waits_no_longer_than_it_may() -> None:
    services = over_tcp(connect_timeout_seconds=3)
    with services:
        workshop = services.get_service("workshop")
        backend = backend_of(services)
        backend._need_client().slots[0].close()
        with socket.socket() as deaf:
            deaf.bind(("127.0.0.1", 0))  # and keeps the port from others, who might listen there
            here, backend.address = backend.address, Address(*deaf.getsockname())
            with pytest.raises(ServiceUnavailableError, match="within 3 s"):
                workshop.echo(1)
        backend.address = here
        assert workshop.echo(1) == 1


def held(services: Services) -> int:
    host = backend_of(services)._host
    assert host is not None
    return host.exports.held_count()


def test_what_a_process_refers_to_is_released_when_it_lets_go(guarded: Services) -> None:
    thing = guarded.get_service("workshop").make("kept")
    assert held(guarded) == 1
    assert thing.title == "Kept"
    del thing
    gc.collect()
    eventually(lambda: held(guarded) == 0, "released")


def test_a_forked_client_holds_what_its_parent_referred_to() -> None:
    read, write = os.pipe()
    with over_tcp() as services:
        workshop = services.get_service("workshop")
        thing = workshop.keep("kept")
        leases = backend_of(services)._host.exports.leases  # type: ignore[union-attr]
        assert len(leases) == 1

        def use(_inbox: SignalInbox) -> int:
            os.close(write)
            os.read(read, 1)
            return 0

        child = spawn(use, operations={})
        assert len(leases) == 2
        del thing
        gc.collect()
        eventually(lambda: [len(lease.holds) for lease in leases.values()] == [0, 1], "the parent let go")
        assert workshop.ended() == [False]
        os.close(write)
        assert child.reap(block=True) == ExitStatus(code=0)
        eventually(lambda: workshop.ended() == [True], "the child is gone")
        os.close(read)


def test_a_legacy_that_cannot_be_is_hung_up_on(guarded: Services) -> None:
    secret = backend_of(guarded)._secret
    with handshake(guarded) as sock:
        hello: Any = Hello(Role.FORKED_LEASE, new_name())
        legacy = new_name() + struct.pack("!I", 0xFFFFFFFF)
        with pytest.raises((HangupError, ConnectionError)):
            greet(sock, hello, secret=secret, deadline=time.monotonic() + 30, legacy=legacy)
    assert is_well(guarded)
