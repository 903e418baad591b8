"""Messages arrive whole, in whatever pieces, and nothing follows them."""

import pickle
import socket
import threading
import time
from collections.abc import Iterator
from pickle import dumps

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riser.services.errors import ProtocolError
from riser.services.frames import HEADER, HangupError, Kind, UndecodableError, Wire, raw

Pair = tuple[socket.socket, Wire]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    ours.settimeout(30)
    with ours, theirs:
        yield ours, Wire(theirs, limit=10_000_000)


def send_in_pieces(sock: socket.socket, message: bytes, sizes: list[int]) -> threading.Thread:
    def body() -> None:
        rest = message
        for size in sizes:
            sock.sendall(rest[:size])
            rest = rest[size:]
        sock.sendall(rest)

    thread = threading.Thread(target=body)
    thread.start()
    return thread


@settings(max_examples=60, deadline=None)
@given(
    value=st.recursive(
        st.none() | st.integers() | st.text() | st.binary(max_size=40_000),
        lambda parts: st.lists(parts, max_size=4) | st.dictionaries(st.text(max_size=5), parts, max_size=4),
        max_leaves=8,
    ),
    sizes=st.lists(st.integers(1, 20_000), max_size=6),
    buffers=st.lists(st.binary(max_size=30_000), max_size=3),
)
def test_a_message_arrives_whatever_it_is_and_in_whatever_pieces(
    value: object, sizes: list[int], buffers: list[bytes]
) -> None:
    one, middle = socket.socketpair()
    back, other = socket.socketpair()
    with one, middle, back, other:
        sender, receiver = Wire(one, limit=1 << 30), Wire(other, limit=1 << 30)
        body = dumps((value, *map(lambda buffer: pickle.PickleBuffer(bytearray(buffer)), buffers)), 5, buffer_callback=None)  # fmt: skip  # noqa: C417, E501
        views = [memoryview(bytearray(buffer)) for buffer in buffers]
        collected = bytearray()
        relay = threading.Thread(target=_collect, args=(middle, collected))
        relay.start()
        sender.send_parts(Kind.RETURN, flags=1, parts=[body[:10], body[10:]], buffers=views)
        one.shutdown(socket.SHUT_WR)
        relay.join(30)
        thread = send_in_pieces(back, bytes(collected), sizes)
        assert receiver.receive() is Kind.RETURN
        assert receiver.flags == 1
        loaded = receiver.load()
        assert isinstance(loaded, tuple)
        assert loaded[0] == value
        thread.join(30)


def _collect(sock: socket.socket, target: bytearray) -> None:
    while piece := sock.recv(100_000):
        target += piece


def test_buffers_are_handed_to_the_unpickler(pair: Pair) -> None:
    sock, wire = pair
    buffers: list[pickle.PickleBuffer] = []
    body = dumps(pickle.PickleBuffer(bytearray(b"much")), 5, buffer_callback=buffers.append)
    sock.sendall(HEADER.pack(len(body), Kind.RETURN.value, 0, 1) + (4).to_bytes(4) + b"much" + body)
    assert wire.receive() is Kind.RETURN
    assert wire.load() == bytearray(b"much")


def test_messages_follow_each_other_by_turns(pair: Pair) -> None:
    sock, wire = pair
    other = Wire(sock, limit=1000)
    for number in range(3):
        wire.send(Kind.CALL, dumps(number))
        assert other.receive() is Kind.CALL
        assert other.load() == number
        other.send(Kind.RETURN, dumps(-number))
        assert wire.receive() is Kind.RETURN
        assert wire.load() == -number
    wire.send_at_once(Kind.BYE, b"")
    assert other.receive() is Kind.BYE
    assert other.is_empty


@pytest.mark.parametrize("size", [100, 100_000])
def test_a_body_that_does_not_unpickle_leaves_the_connection_in_step(pair: Pair, size: int) -> None:
    sock, wire = pair
    thread = send_in_pieces(sock, HEADER.pack(size, Kind.CALL.value, 0, 0) + b"\xff" * size, [])
    wire.receive()
    with pytest.raises(UndecodableError):
        wire.load()
    thread.join(30)
    sock.sendall(HEADER.pack(4, Kind.CALL.value, 0, 0) + dumps(None))
    assert wire.receive() is Kind.CALL
    assert wire.load() is None


def test_a_message_beyond_the_limit_is_not_even_begun(pair: Pair) -> None:
    sock, wire = pair
    sock.sendall(HEADER.pack(10_000_001, Kind.CALL.value, 0, 0))
    with pytest.raises(ProtocolError, match="10,000,001 bytes, where 10,000,000 are the limit"):
        wire.receive()


@pytest.mark.parametrize(
    "message", [b"", b"\0\0", HEADER.pack(50, 0, 0, 0) + b"x", HEADER.pack(50_000, 0, 0, 0) + b"x" * 20_000]
)
def test_the_end_in_mid_message_is_an_error(pair: Pair, message: bytes) -> None:
    sock, wire = pair
    sock.sendall(message)
    sock.shutdown(socket.SHUT_WR)
    with pytest.raises(HangupError):  # noqa: PT012 - a large message shows its end when it is loaded
        wire.receive()
        wire.load()


@pytest.mark.parametrize("size", [4, 20_000])
def test_what_follows_a_message_is_an_error(pair: Pair, size: int) -> None:
    sock, wire = pair
    body = dumps(b"x" * size)
    if len(body) < 1000:
        sock.sendall(HEADER.pack(len(body), Kind.CALL.value, 0, 0) + body + b"more")
        with pytest.raises(ProtocolError, match="bytes after the end"):
            wire.receive()
    else:
        # A large one is not read beyond its end, so the rest is taken for the next, and is none.
        thread = send_in_pieces(sock, HEADER.pack(len(body), Kind.CALL.value, 0, 0) + body + b"\xff" * 8, [])
        wire.receive()
        assert wire.load() == b"x" * size
        thread.join(30)
        with pytest.raises(ProtocolError):
            wire.receive()


def test_a_deadline_holds_for_receiving_and_sending(pair: Pair) -> None:
    sock, wire = pair
    wire.limit_time(time.monotonic() + 0.05)
    with pytest.raises(TimeoutError):
        wire.receive()
    with pytest.raises(TimeoutError):
        wire.send(Kind.CALL, b"x")
    wire.limit_time(time.monotonic() + 0.05)
    with pytest.raises(TimeoutError):
        wire.send_parts(Kind.CALL, flags=0, parts=[b"x" * 5_000_000], buffers=[])
    wire.limit_time(time.monotonic() + 30)
    sock.sendall(HEADER.pack(100_000, Kind.CALL.value, 0, 0))
    wire.receive()
    wire.limit_time(time.monotonic() + 0.05)
    with pytest.raises(TimeoutError):
        wire.load()


def test_more_parts_than_the_kernel_takes_at_once_arrive(pair: Pair) -> None:
    sock, wire = pair
    parts = [b"x" * 100] * 3000
    collected = bytearray()
    relay = threading.Thread(target=_collect, args=(sock, collected))
    relay.start()
    wire.send_parts(Kind.RETURN, flags=0, parts=parts, buffers=[])
    wire.close()
    relay.join(30)
    assert bytes(collected[HEADER.size :]) == b"x" * 300_000


@pytest.mark.parametrize("chunk", [b"ab", bytearray(b"ab"), memoryview(b"ab"), pickle.PickleBuffer(b"ab")])
def test_every_chunk_of_a_pickle_is_plain_memory(chunk: object) -> None:
    assert bytes(raw(chunk)) == b"ab"
    assert len(raw(chunk)) == 2
