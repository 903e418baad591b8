"""Streams read lines, collect writes, log what passes, and close whatever happens."""

import logging
import re
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riser.stream import BUFFER_LIMIT, LoggingStream, Stream, WriteBufferStream

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, peer = socket.socketpair()
    peer.settimeout(10)
    with ours, peer:
        yield ours, peer


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> logging.Logger:
    caplog.set_level(logging.DEBUG, logger="protocol")
    return logging.getLogger("protocol")


def _arrived(peer: socket.socket) -> bytes:
    """What has arrived by now."""
    peer.settimeout(0)
    try:
        return peer.recv(1 << 20)
    except BlockingIOError:
        return b""
    finally:
        peer.settimeout(10)


def test_a_stream_reads_lines_and_bytes_and_writes(pair: Pair) -> None:
    ours, peer = pair
    with Stream(ours) as stream:
        peer.sendall(b"one\ntwo\nthree four")
        assert stream.readline() == b"one\n"
        assert stream.readline(2) == b"tw"
        assert stream.read(2) == b"o\n"
        assert stream.read1(5) == b"three"
        assert stream.write(b"answer\n") == 7
        peer.shutdown(socket.SHUT_WR)
        assert stream.read() == b" four"
        assert stream.readline() == b""
        assert stream.fileno() == ours.fileno()
    assert _arrived(peer) == b"answer\n"
    assert ours.fileno() == -1


def test_a_stream_iterates_over_its_lines(pair: Pair) -> None:
    ours, peer = pair
    peer.sendall(b"one\ntwo\n")
    peer.shutdown(socket.SHUT_WR)
    with Stream(ours) as stream:
        assert list(stream) == [b"one\n", b"two\n"]


def test_buffered_writes_are_sent_at_flush_and_not_before(pair: Pair) -> None:
    ours, peer = pair
    stream = WriteBufferStream(ours)
    assert stream.write(b"one ") == 4
    assert stream.write(b"two") == 3
    assert _arrived(peer) == b""
    stream.flush()
    assert _arrived(peer) == b"one two"
    stream.flush()
    assert _arrived(peer) == b""
    stream.close()


def test_buffered_writes_are_sent_at_close(pair: Pair) -> None:
    ours, peer = pair
    stream = WriteBufferStream(ours)
    stream.write(b"last words")
    stream.close()
    assert _arrived(peer) == b"last words"
    assert peer.recv(1) == b""


def test_buffered_writes_are_sent_when_the_limit_is_reached(pair: Pair) -> None:
    ours, peer = pair
    stream = WriteBufferStream(ours)
    stream.write(b"x" * (BUFFER_LIMIT - 1))
    assert _arrived(peer) == b""
    stream.write(b"y")
    assert _arrived(peer) == b"x" * (BUFFER_LIMIT - 1) + b"y"
    assert BUFFER_LIMIT == 16384
    stream.close()


@given(st.lists(st.binary(max_size=40)), st.integers(1, 50))
def test_every_byte_arrives_once_and_in_order(messages: list[bytes], limit: int) -> None:
    ours, peer = socket.socketpair()
    with ours, peer:
        stream = WriteBufferStream(ours, limit)
        for message in messages:
            assert stream.write(message) == len(message)
        stream.close()
        peer.settimeout(10)
        assert b"".join(iter(lambda: peer.recv(4096), b"")) == b"".join(messages)


class _Stubborn:
    """Sends `at_once` bytes a time and fails after `until`; otherwise a byte stream."""

    def __init__(self, *, at_once: int, until: int) -> None:
        self.sent = b""
        self.closed = False
        self._at_once = at_once
        self.until = until

    def write_some(self, message: memoryview, /) -> int:
        count = min(self._at_once, len(message), self.until - len(self.sent))
        if count <= 0:
            raise ConnectionResetError("gone")
        self.sent += bytes(message[:count])
        return count

    def write(self, message: bytes, /) -> int:
        raise AssertionError(f"{message!r} is written at once")

    def fileno(self) -> int:
        return -1

    def readline(self, _size: int = -1, /) -> bytes:
        return b""

    def read(self, _size: int = -1, /) -> bytes:
        return b""

    def read1(self, _size: int = -1, /) -> bytes:
        return b""

    def has_data(self) -> bool:
        return True

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


def test_a_flush_that_fails_half_way_is_continued_and_not_repeated() -> None:
    """`stream.buffer.error`: what was sent is not sent again."""
    below = _Stubborn(at_once=3, until=7)
    stream = WriteBufferStream(below)
    stream.write(b"0123456789")
    with pytest.raises(ConnectionResetError):
        stream.flush()
    below.until = 100
    stream.flush()
    assert below.sent == b"0123456789"


def test_a_flush_that_fails_in_close_still_closes() -> None:
    """`stream.buffer.error`."""
    below = _Stubborn(at_once=3, until=0)
    stream = WriteBufferStream(below)
    stream.write(b"lost")
    with pytest.raises(ConnectionResetError):
        stream.close()
    assert below.closed


def _texts(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage().partition("] ")[2] for record in caplog.records]


def test_a_logging_stream_logs_what_passes_with_one_tag(
    pair: Pair, log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    ours, peer = pair
    peer.sendall(b"hello\nrest")
    descriptor = ours.fileno()
    with LoggingStream(WriteBufferStream(ours), log) as stream:
        stream.readline()
        stream.read(2)
        stream.read1(2)
        stream.write(b"answer\n")
        stream.flush()
    assert _texts(caplog) == [
        "start",
        r"r b'hello\n'",
        "r b're'",
        "r b'st'",
        r"w b'answer\n'",
        "flush",
        "flush",
        "close",
    ]
    assert {record.levelname for record in caplog.records[1:]} == {"INFO"}
    assert caplog.records[0].levelname == "DEBUG"
    assert {record.getMessage().split()[0] for record in caplog.records} == {stream.tag.split()[0]}
    assert re.match(rf"\[[0-9a-f]{{7}},{descriptor},unix:pid \d+\]$", stream.tag)


def test_a_logging_stream_below_a_buffer_logs_what_is_sent(
    pair: Pair, log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    ours, _ = pair
    with WriteBufferStream(LoggingStream(ours, log)) as stream:
        stream.write(b"one ")
        stream.write(b"two")
    assert "w b'one two'" in _texts(caplog)


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_the_tag_names_the_peer(family: int, host: str, log: logging.Logger) -> None:
    with socket.create_server((host, 0), family=family) as listening:
        client = socket.create_connection(listening.getsockname()[:2])
        ours, peer = listening.accept()
        name = f"tcp://[{host}]:{peer[1]}" if ":" in host else f"tcp://{host}:{peer[1]}"
        stream = LoggingStream(ours, log)
        assert stream.tag.endswith(f",{ours.fileno()},{name}]")
        stream.close()
        client.close()


def test_a_peer_that_is_gone_gets_a_tag_too(log: logging.Logger, caplog: pytest.LogCaptureFixture) -> None:
    """`stream.log.gone`."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = socket.create_connection(listening.getsockname())
        ours, _ = listening.accept()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()
        with pytest.raises(ConnectionResetError):
            ours.recv(1)
        stream = LoggingStream(ours, log)
        assert stream.tag.endswith(",gone]")
        stream.close()
    assert _texts(caplog) == ["start", "flush", "close"]


def test_a_log_that_is_broken_does_not_break_the_conversation(pair: Pair) -> None:
    """`stream.log.gone`: logging never raises."""

    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise OSError(f"no space left for {record.msg}")

    log = logging.getLogger("broken")
    log.setLevel(logging.DEBUG)
    log.addHandler(Broken())
    ours, peer = pair
    with LoggingStream(ours, log) as stream:
        stream.write(b"through\n")
    assert _arrived(peer) == b"through\n"
