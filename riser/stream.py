"""Streams over a connection: plain, with buffered writes, with a log of what passes. They can be put on each other.

    LoggingStream(WriteBufferStream(connection), log)      what the program says is logged, then collected, then sent

`Stream` adds to a socket what a line protocol needs: `readline`, `read`, `read1`. Whatever `close` meets on its way,
the connection is closed, and what has been sent is never sent again (`stream.buffer.error`).
"""

import binascii
import contextlib
import io
import logging
import socket
import struct
from collections.abc import Iterator
from types import TracebackType
from typing import Protocol, Self

from riser.connection import end_tls, is_tls, wants_more_tls

BUFFER_LIMIT = 16 * 1024
"""Bytes that `WriteBufferStream` collects by default."""

_PEER_CREDENTIALS = struct.Struct("3i")


class ByteStream(Protocol):
    """What a stream can be put on: another stream, or something that behaves like one."""

    def fileno(self) -> int:
        """The descriptor of the connection."""

    def readline(self, size: int = -1, /) -> bytes:
        """The next line, its end included; shorter at the end or at `size`."""

    def read(self, size: int = -1, /) -> bytes:
        """`size` bytes, or all until the end."""

    def read1(self, size: int = -1, /) -> bytes:
        """What is there, at least one byte except at the end."""

    def write(self, message: bytes, /) -> int:
        """Write all of it; its length."""

    def write_some(self, message: memoryview, /) -> int:
        """Write what can be written at once; how much that was."""

    def flush(self) -> None:
        """Send what has been collected."""

    def has_data(self) -> bool:
        """Whether something can be read without waiting; the end counts."""

    def close(self) -> None:
        """Flush and close the connection."""


class Stream:
    """A connection as a binary file that reads lines; a context manager, and an iterator of lines."""

    def __init__(self, connection: "socket.socket | ByteStream") -> None:
        self._io: ByteStream = _Wire(connection) if isinstance(connection, socket.socket) else connection

    def fileno(self) -> int:
        """The descriptor of the connection."""
        return self._io.fileno()

    def readline(self, size: int = -1) -> bytes:
        """The next line with its end, no longer than `size` bytes; `b""` at the end of the connection."""
        return self._io.readline(size)

    def read(self, size: int = -1) -> bytes:
        """`size` bytes, fewer only at the end of the connection; without `size` all until then."""
        return self._io.read(size)

    def read1(self, size: int = -1) -> bytes:
        """What has arrived, up to `size` bytes, waiting only for the first; `b""` at the end of the connection."""
        return self._io.read1(size)

    def write(self, message: bytes) -> int:
        """Send all of the message; its length. Raises OSError."""
        return self._io.write(message)

    def write_some(self, message: memoryview) -> int:
        """Send what can be sent at once; the number of bytes. Raises OSError."""
        return self._io.write_some(message)

    def flush(self) -> None:
        """Send what streams below have collected. Raises OSError."""
        self._io.flush()

    def has_data(self) -> bool:
        """Whether something can be read without waiting, also from buffers and from TLS; the end counts."""
        return self._io.has_data()

    def close(self) -> None:
        """Flush, then close; the connection is closed also if the flush fails, and then that error is raised."""
        try:
            self.flush()
        finally:
            self._io.close()

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class WriteBufferStream(Stream):
    """Collects writes and sends them at `flush`, at `close`, and when `buffer_limit` bytes have come together.

    In order, and each byte once: if a flush fails, what was sent before is no longer in the buffer (`stream.buffer`).
    """

    def __init__(self, connection: "socket.socket | ByteStream", buffer_limit: int = BUFFER_LIMIT) -> None:
        super().__init__(connection)
        self._limit = buffer_limit
        self._buffer = bytearray()

    def write(self, message: bytes) -> int:
        """Collect the message; its length. Raises OSError where that makes it flush."""
        self._buffer += message
        if len(self._buffer) >= self._limit:
            self.flush()
        return len(message)

    def write_some(self, message: memoryview) -> int:
        """Collect all of the message, as `write`."""
        return self.write(bytes(message))

    def flush(self) -> None:
        """Send what has been collected, if anything. Raises OSError."""
        if not self._buffer:
            return
        collected = memoryview(bytes(self._buffer))
        sent = 0
        try:
            while sent < len(collected):
                sent += self._io.write_some(collected[sent:])
        finally:
            del self._buffer[:sent]
        self._io.flush()


class LoggingStream(Stream):
    """Logs what is read and written, flushes and the close, with one tag for the connection (`stream.log`).

    At level INFO, and the start at DEBUG. Logging never raises, whatever the state of the peer or of the log.
    """

    def __init__(self, connection: "socket.socket | ByteStream", logger: logging.Logger) -> None:
        super().__init__(connection)
        self._logger = logger
        self.tag = connection_tag(self)
        self._log(logging.DEBUG, "start")

    def readline(self, size: int = -1) -> bytes:
        """As `Stream.readline`."""
        return self._read(super().readline(size))

    def read(self, size: int = -1) -> bytes:
        """As `Stream.read`."""
        return self._read(super().read(size))

    def read1(self, size: int = -1) -> bytes:
        """As `Stream.read1`."""
        return self._read(super().read1(size))

    def write(self, message: bytes) -> int:
        """As `Stream.write`; logged before it is sent."""
        self._log(logging.INFO, "w %r", message)
        return super().write(message)

    def write_some(self, message: memoryview) -> int:
        """As `Stream.write_some`; what was sent is logged."""
        count = super().write_some(message)
        self._log(logging.INFO, "w %r", bytes(message[:count]))
        return count

    def flush(self) -> None:
        """As `Stream.flush`."""
        self._log(logging.INFO, "flush")
        super().flush()

    def close(self) -> None:
        """As `Stream.close`."""
        try:
            super().close()
        finally:
            self._log(logging.INFO, "close")

    def _read(self, data: bytes) -> bytes:
        self._log(logging.INFO, "r %r", data)
        return data

    def _log(self, level: int, message: str, *values: object) -> None:
        with contextlib.suppress(Exception):  # A log that is broken must not break the conversation.
            self._logger.log(level, "%s " + message, self.tag, *values)


def connection_tag(stream: Stream) -> str:
    """A short text that tells a connection from others and names its peer, also if that is gone (`stream.log.gone`)."""
    try:
        descriptor = stream.fileno()
        peer = _peer(descriptor)
    except OSError:
        descriptor, peer = -1, "gone"
    # A digest needs OpenSSL, which takes longer to load than all of this package; 7 digits are no more unique for it.
    unique = f"{binascii.crc32(f'{id(stream)} {descriptor} {peer}'.encode()):08x}"[1:]
    return f"[{unique},{descriptor},{peer}]"


def _peer(descriptor: int) -> str:
    with _borrowed(descriptor) as same:
        try:
            name = same.getpeername()
        except OSError:
            return "gone"
        if same.family == socket.AF_UNIX:
            return f"unix:{_unix_name(name)}pid {_peer_pid(same)}"
        if same.family in (socket.AF_INET, socket.AF_INET6):
            host, port = name[:2]
            return f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}"
        return f"unknown:{name!r}"


@contextlib.contextmanager
def _borrowed(descriptor: int) -> Iterator[socket.socket]:
    same = socket.socket(fileno=descriptor)
    try:
        yield same
    finally:
        same.detach()


def _unix_name(name: str | bytes) -> str:
    text = name if isinstance(name, str) else "@" + name[1:].decode("utf-8", "replace")
    return f"{text} " if text else ""


def _peer_pid(connection: socket.socket) -> int:
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER_CREDENTIALS.size)
    pid: int = _PEER_CREDENTIALS.unpack(credentials)[0]
    return pid


class _Wire:
    """The bottom of every stack of streams: a socket, and a buffered reader over it."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._reader = connection.makefile("rb")
        self.fileno = connection.fileno
        self.readline = self._reader.readline
        self.read = self._reader.read
        self.read1 = self._reader.read1

    def write(self, message: bytes) -> int:
        self._socket.sendall(message)
        return len(message)

    def write_some(self, message: memoryview) -> int:
        return self._socket.send(message)

    def flush(self) -> None:
        pass

    def has_data(self) -> bool:
        return reader_has_data(self._reader, self._socket)

    def close(self) -> None:
        if is_tls(self._socket):
            end_tls(self._socket)
        try:
            self._reader.close()
        finally:
            self._socket.close()


def reader_has_data(reader: io.BufferedReader, connection: socket.socket) -> bool:
    """Whether a reader made from this socket can give something without waiting; the end counts, a broken one too."""
    timeout = connection.gettimeout()
    connection.settimeout(0)
    try:
        # With an empty buffer, peek reads once from the socket: nothing comes of it at the end, and if it would block.
        return bool(reader.peek(1)) or is_tls(connection) or connection.recv(1, socket.MSG_PEEK) is not None
    except OSError as error:
        return not (isinstance(error, BlockingIOError) or wants_more_tls(error))
    finally:
        connection.settimeout(timeout)
