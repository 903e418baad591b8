"""Who is there is known before anything else is read, over a Unix socket as inside of TLS."""

import itertools
import os
import struct
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riser.services import handshake
from riser.services.errors import ProtocolError
from riser.services.frames import HangupError
from riser.services.handshake import (
    NAME_BYTES,
    SECRET_BYTES,
    VERSION,
    Hello,
    RefusedError,
    Role,
    Status,
    Welcome,
    answer,
    greet,
    is_same_user,
    new_name,
    receive_exactly,
    receive_hello,
)

from .pairs import PAIRS, PATIENCE_SECONDS, Pair, unix

SECRET = b"s" * SECRET_BYTES
WELCOME = Welcome(b"i" * NAME_BYTES, 4711)
HELLO = Hello(Role.CALLS, b"c" * NAME_BYTES)


@pytest.fixture(params=list(PAIRS))
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    with PAIRS[request.param]() as pair:
        yield pair


@pytest.fixture
def meanwhile() -> Iterator[Callable[..., "Future[Welcome]"]]:
    """Greets at one end, in a thread, while the test is at the other."""
    with ThreadPoolExecutor(1) as threads:
        yield lambda sock, hello=HELLO, **more: threads.submit(
            greet, sock, hello, secret=SECRET, deadline=soon(), **more
        )


def soon() -> float:
    return time.monotonic() + PATIENCE_SECONDS


def hello_bytes(*, version: int = VERSION, role: int = 0, secret: bytes = SECRET, magic: bytes = b"RISR") -> bytes:
    """A hello, byte for byte as it is documented."""
    return magic + struct.pack("!HBx", version, role) + secret + HELLO.client


# Two who belong together


@pytest.mark.parametrize("role", list(Role))
def test_each_side_learns_what_the_other_says_of_itself(
    pair: Pair, meanwhile: Callable[..., "Future[Welcome]"], role: Role
) -> None:
    ours, theirs = pair
    greeting = meanwhile(ours, Hello(role, HELLO.client))
    assert receive_hello(theirs, secret=SECRET, deadline=soon()) == Hello(role, HELLO.client)
    answer(theirs, Status.WELCOME, WELCOME)
    assert greeting.result(PATIENCE_SECONDS) == WELCOME
    assert (ours.gettimeout(), theirs.gettimeout()) == (None, None)


def test_what_a_client_inherits_follows_its_hello_and_is_not_read_with_it(
    pair: Pair, meanwhile: Callable[..., "Future[Welcome]"]
) -> None:
    ours, theirs = pair
    greeting = meanwhile(ours, legacy=b"legacy")
    receive_hello(theirs, secret=SECRET, deadline=soon())
    assert receive_exactly(theirs, 6, soon()) == b"legacy"
    answer(theirs, Status.WELCOME, WELCOME)
    greeting.result(PATIENCE_SECONDS)


def test_the_bytes_are_those_of_the_protocol(pair: Pair, meanwhile: Callable[..., "Future[Welcome]"]) -> None:
    ours, theirs = pair
    greeting = meanwhile(ours)
    assert receive_exactly(theirs, 56, soon()) == hello_bytes()
    theirs.sendall(b"RISR" + struct.pack("!HBx", 1, 0) + WELCOME.incarnation + struct.pack("!I", WELCOME.pid))
    assert greeting.result(PATIENCE_SECONDS) == WELCOME


def test_pieces_are_put_together(pair: Pair) -> None:
    ours, theirs = pair
    with ThreadPoolExecutor(1) as threads:
        received = threads.submit(receive_hello, theirs, secret=SECRET, deadline=soon())
        for byte in hello_bytes():
            ours.sendall(bytes([byte]))
        assert received.result(PATIENCE_SECONDS) == HELLO


# Strangers


@pytest.mark.parametrize(
    "hello",
    [
        hello_bytes(secret=bytes(SECRET_BYTES)),
        hello_bytes(secret=SECRET[:-1] + b"t"),
        hello_bytes(magic=b"RISE"),
        hello_bytes(role=len(Role)),
        hello_bytes(role=255),
        hello_bytes(version=VERSION + 1, secret=bytes(SECRET_BYTES)),
    ],
    ids=["no secret", "nearly the secret", "another magic", "no role", "no role at all", "another version"],
)
def test_a_stranger_is_told_nothing(pair: Pair, hello: bytes) -> None:
    ours, theirs = pair
    ours.sendall(hello)
    with pytest.raises(ProtocolError, match="a stranger"):
        receive_hello(theirs, secret=SECRET, deadline=soon())
    theirs.close()
    assert ours.recv(100) == b""


@settings(max_examples=60)
@given(st.binary(min_size=56, max_size=56))
def test_whatever_bytes_they_are_without_the_secret_they_are_a_strangers(hello: bytes) -> None:
    with unix() as (ours, theirs):
        ours.sendall(hello)
        with pytest.raises(ProtocolError, match="a stranger"):
            receive_hello(theirs, secret=SECRET, deadline=soon())


def test_another_version_is_told_which_one_is_spoken_here(
    pair: Pair, meanwhile: Callable[..., "Future[Welcome]"], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = pair
    monkeypatch.setattr(handshake, "VERSION", VERSION + 1)
    greeting = meanwhile(ours)
    hello = receive_exactly(theirs, 56, soon())
    monkeypatch.setattr(handshake, "VERSION", VERSION)
    with unix() as (client, service):
        client.sendall(hello)
        with pytest.raises(ProtocolError, match="a client of version 2"):
            receive_hello(service, secret=SECRET, deadline=soon())
        told = receive_exactly(client, 28, soon())
    monkeypatch.setattr(handshake, "VERSION", VERSION + 1)
    theirs.sendall(told)
    with pytest.raises(RefusedError, match="it speaks version 1 of the protocol, this client version 2"):
        greeting.result(PATIENCE_SECONDS)


def test_a_client_that_there_is_no_room_for_is_told(pair: Pair, meanwhile: Callable[..., "Future[Welcome]"]) -> None:
    ours, theirs = pair
    greeting = meanwhile(ours)
    receive_hello(theirs, secret=SECRET, deadline=soon())
    answer(theirs, Status.FULL, WELCOME)
    with pytest.raises(RefusedError, match="no connections left"):
        greeting.result(PATIENCE_SECONDS)


def test_what_is_no_service_is_known_by_its_answer(pair: Pair, meanwhile: Callable[..., "Future[Welcome]"]) -> None:
    ours, theirs = pair
    greeting = meanwhile(ours)
    receive_exactly(theirs, 56, soon())
    theirs.sendall(b"220 mail.example ESMTP ready\r\n")
    with pytest.raises(ProtocolError, match="what listens there is no service process"):
        greeting.result(PATIENCE_SECONDS)


@pytest.mark.parametrize("size", [0, 1, 27])
def test_a_service_that_hangs_up_meanwhile_is_gone(
    pair: Pair, meanwhile: Callable[..., "Future[Welcome]"], size: int
) -> None:
    ours, theirs = pair
    greeting = meanwhile(ours)
    receive_hello(theirs, secret=SECRET, deadline=soon())
    theirs.sendall(bytes(size))
    theirs.close()
    with pytest.raises(HangupError, match="during the handshake"):
        greeting.result(PATIENCE_SECONDS)


# Time


def test_who_is_silent_is_waited_for_until_the_deadline(pair: Pair) -> None:
    ours, theirs = pair
    with pytest.raises(TimeoutError):
        receive_hello(theirs, secret=SECRET, deadline=time.monotonic() + 0.01)
    with pytest.raises(TimeoutError):
        greet(ours, HELLO, secret=SECRET, deadline=time.monotonic() + 0.01)


def test_one_byte_after_the_other_is_no_way_past_the_deadline(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pair
    seconds = itertools.count()
    monkeypatch.setattr(handshake, "time", SimpleNamespace(monotonic=lambda: next(seconds)))
    got = bytearray()

    class Slow:
        """Gives one byte a second."""

        def settimeout(self, seconds: float) -> None:
            theirs.settimeout(seconds)

        def recv(self, _size: int) -> bytes:
            got.extend(theirs.recv(1))
            return bytes(got[-1:])

    ours.sendall(hello_bytes())
    with pytest.raises(TimeoutError):
        receive_hello(Slow(), secret=SECRET, deadline=10)  # type: ignore[arg-type]  # it is asked for no more
    assert len(got) == 10


# Names


def test_names_are_of_one_length_and_never_the_same() -> None:
    names = {new_name() for _ in range(1000)}
    assert len(names) == 1000
    assert {len(name) for name in names} == {NAME_BYTES}


def test_the_user_of_a_peer_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    with unix() as (ours, _):
        assert is_same_user(ours)
        another = os.geteuid() + 1
        monkeypatch.setattr(os, "geteuid", lambda: another)
        assert not is_same_user(ours)
