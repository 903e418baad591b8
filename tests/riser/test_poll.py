"""ReadPoll sees what can be read, wherever it is held, and counts how long nothing came."""

import io
import logging
import socket
import time
from collections.abc import Iterator

import pytest

from riser.poll import ReadPoll
from riser.stream import LoggingStream, Stream, WriteBufferStream

from .conftest import DEADLINE_SECONDS

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, peer = socket.socketpair()
    with ours, peer:
        yield ours, peer


def test_nothing_to_read_is_falsy_after_the_time(pair: Pair) -> None:
    ours, _ = pair
    poll = ReadPoll(ours)
    began = time.monotonic()
    assert not poll.poll(0.05)
    assert time.monotonic() - began >= 0.05
    assert not poll.poll(0)


def test_what_arrives_ends_the_wait(pair: Pair) -> None:
    ours, peer = pair
    peer.sendall(b"x")
    assert ReadPoll(ours).poll(DEADLINE_SECONDS)
    assert ReadPoll(ours).poll(None)
    assert ours.recv(1) == b"x"


def test_the_end_of_a_connection_counts_as_readable(pair: Pair) -> None:
    ours, peer = pair
    peer.close()
    assert ReadPoll(ours).poll(DEADLINE_SECONDS)
    stream = Stream(ours)
    assert ReadPoll(stream).poll(DEADLINE_SECONDS)
    assert stream.readline() == b""
    stream.close()


def test_the_interval_counts_since_the_last_reset_or_success(pair: Pair) -> None:
    """`poll.timeout`."""
    ours, peer = pair
    poll = ReadPoll(ours)
    assert not poll.poll(0.05)
    assert poll.interval_seconds >= 0.05
    before_reset = time.monotonic()
    poll.reset_timer()
    assert poll.interval_seconds <= time.monotonic() - before_reset
    assert not poll.poll(0.05)
    peer.sendall(b"x")
    before_success = time.monotonic()
    assert poll.poll(DEADLINE_SECONDS)
    assert poll.interval_seconds <= time.monotonic() - before_success


@pytest.mark.parametrize("timeout", [None, 5.0])
def test_lines_that_a_reader_holds_already_count(pair: Pair, timeout: float | None) -> None:
    """`poll.buffered`."""
    ours, peer = pair
    ours.settimeout(timeout)
    with ours.makefile("rb") as reader:
        assert isinstance(reader, io.BufferedReader)
        poll = ReadPoll(reader)
        assert not poll.poll(0)
        peer.sendall(b"one\ntwo\n")
        assert reader.readline() == b"one\n"
        assert poll.poll(0)
        assert reader.readline() == b"two\n"
        assert not poll.poll(0)
        peer.sendall(b"three\n")
        assert poll.poll(DEADLINE_SECONDS)
        assert reader.readline() == b"three\n"
    assert ours.gettimeout() == timeout


def test_lines_that_a_stream_holds_already_count_also_through_streams_above_it(pair: Pair) -> None:
    ours, peer = pair
    stream = Stream(WriteBufferStream(ours))
    poll = ReadPoll(stream)
    peer.sendall(b"one\ntwo\n")
    assert poll.poll(DEADLINE_SECONDS)
    assert stream.readline() == b"one\n"
    assert poll.poll(0)
    assert stream.readline() == b"two\n"
    assert not poll.poll(0)
    stream.close()


def test_a_connection_that_was_reset_does_not_wait() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(listening.getsockname())
    ours, _ = listening.accept()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()
    stream = LoggingStream(ours, logging.getLogger("test"))
    assert ReadPoll(stream).poll(DEADLINE_SECONDS)
    listening.close()
    stream.close()
