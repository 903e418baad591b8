"""Messages on a connection, whole ones, one way at a time.

    header: length, kind, flags, buffers     8 bytes
    lengths of the buffers                   4 bytes each
    the buffers                              memory that pickle hands over as it is
    the body                                 a pickle of `length` bytes

Both sides take turns: whoever has sent a message waits for one. So a small message is one read into a buffer that is
used again and again, and nothing ever follows it. A large body is not collected: it is unpickled as it arrives, and
bytes in it are read from the socket to where they stay. Nothing is unpickled by `receive`, only by `load`.
"""

import contextlib
import enum
import pickle
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from pickle import PickleBuffer, Unpickler, loads
from socket import MSG_DONTWAIT, MSG_WAITALL, socket

from riser.services.errors import ProtocolError


class Kind(enum.Enum):
    """What a message is."""

    CALL = 0
    """Do this: target, method, arguments, named arguments."""
    RETURN = 1
    """It was done, with this result."""
    RAISE = 2
    """It raised this."""
    BLOCK = 3
    """Before I can tell, do this that you have lent me: as CALL."""
    STOP = 4
    """The block, or the call whose block it was, was ended by `StopBlock`."""
    BYE = 5
    """I have what I wanted, this connection is over; with a body, an object is given up too."""


_KINDS = {kind.value: kind for kind in Kind}
_CODE = {kind: kind.value for kind in Kind}

REFERENCES = 1
"""The flag of a message whose body has references in it."""

HEADER = struct.Struct("!IBBH")
_HEADER_BYTES = HEADER.size
_LENGTH = struct.Struct("!I")
_BUFFER_BYTES = 16384
_MOST_PARTS = 512
"""Parts of one sendmsg; the kernel takes twice as many."""
_MOST_BUFFERS = 0xFFFF
_JOIN_BYTES = 65536
"""Up to here it is cheaper to copy the parts of a message into one."""

Part = bytes | bytearray | memoryview

_pack = HEADER.pack
_unpack_from = HEADER.unpack_from


class HangupError(ConnectionError):
    """The other side has closed the connection."""


class UndecodableError(Exception):
    """A body arrived whole and cannot be unpickled; its `__cause__` says why."""


class Wire:
    """One end of a connection."""

    __slots__ = (
        *("_buffer", "_buffers", "_end", "_recv_into", "_sendall", "_sock", "_stream", "_view"),
        *("deadline", "flags", "limit"),
    )

    def __init__(self, sock: socket, *, limit: int) -> None:
        self._sock = sock
        self._recv_into = sock.recv_into
        self._sendall = sock.sendall
        self._buffer = bytearray(_BUFFER_BYTES)
        self._view = memoryview(self._buffer)
        self._end = 0
        self._stream: _Stream | None = None
        self._buffers: list[bytearray] = []
        self.limit = limit
        """The largest message that is taken, in bytes."""
        self.deadline: float | None = None
        """The monotonic time after which sending and receiving raise TimeoutError; see `limit_time`."""
        self.flags = 0
        """The flags of the message that was received last."""

    def send(self, kind: Kind, body: bytes = b"", *, flags: int = 0) -> None:
        """Send a message in one piece."""
        if self.deadline is not None:
            self._arm()
        self._sendall(_pack(len(body), _CODE[kind], flags, 0) + body)

    def send_at_once(self, kind: Kind, body: bytes) -> None:
        """Send a last message if that can be done without waiting."""
        with contextlib.suppress(OSError):
            self._sock.send(_pack(len(body), _CODE[kind], 0, 0) + body, MSG_DONTWAIT)

    def send_parts(self, kind: Kind, *, flags: int, parts: Sequence[Part], buffers: Sequence[memoryview]) -> None:
        """Send a message whose body is these parts, with these buffers; at most 65,535 of them."""
        lengths = [_LENGTH.pack(len(buffer)) for buffer in buffers]
        header = _pack(sum(map(len, parts)), _CODE[kind], flags, len(buffers))
        self._send_all([header, *lengths, *buffers, *parts])

    def receive(self) -> Kind:
        """The kind of the next message; it is loaded with `load`.

        Raises ConnectionError, TimeoutError and `ProtocolError`.
        """
        if self.deadline is not None:
            self._arm()
        got = self._recv_into(self._buffer)
        if got < _HEADER_BYTES:
            got = self._receive_until(got, _HEADER_BYTES)
        length, code, self.flags, buffers = _unpack_from(self._buffer)
        kind = _KINDS.get(code)
        if kind is None:
            raise ProtocolError(f"a message of the unknown kind {code}")
        end = _HEADER_BYTES + length
        if buffers or end > _BUFFER_BYTES:
            self._begin_stream(got, length=length, buffers=buffers)
        else:
            if got < end:
                got = self._receive_until(got, end)
            if got > end:
                raise ProtocolError("bytes after the end of a message")
            self._end = end
        return kind

    def load(self) -> object:
        """What the body of the message is a pickle of.

        Raises `UndecodableError` if it cannot be unpickled; the connection can be used further. Other errors as
        `receive`.
        """
        if self._stream is not None:
            return self._load_stream(self._stream)
        try:
            return loads(self._view[_HEADER_BYTES : self._end])  # noqa: S301 - of a peer that has shown who it is
        except Exception as error:
            raise UndecodableError from error

    @property
    def is_empty(self) -> bool:
        """Whether the message has no body."""
        return self._stream is None and self._end == _HEADER_BYTES

    def limit_time(self, deadline: float | None) -> None:
        """Set the monotonic time until which messages may take; None sets no limit."""
        self.deadline = deadline
        if deadline is None:
            self._sock.settimeout(None)

    def shut_for_reading(self) -> None:
        """Make this end's `receive`, in whatever thread, see the end of the connection once it has read what came."""
        _shut(self._sock, 0)

    def close(self) -> None:
        """Close the connection for both sides."""
        _shut(self._sock, 2)
        self._sock.close()

    def abandon(self) -> None:
        """Close this process's descriptor alone, as a forked process does with its parent's."""
        self._sock.close()

    def _arm(self) -> None:
        assert self.deadline is not None
        seconds = self.deadline - time.monotonic()
        if seconds <= 0:
            raise TimeoutError
        self._sock.settimeout(seconds)

    def _receive_until(self, got: int, end: int) -> int:
        while got < end:
            more = self._recv_into(self._view[got:]) if got else 0
            if not more:
                raise HangupError("the connection was closed")
            got += more
        return got

    def _begin_stream(self, got: int, *, length: int, buffers: int) -> None:
        self._check_size(length)
        stream = _Stream(self._read, self._view[_HEADER_BYTES:got], length + buffers * _LENGTH.size)
        lengths = [size for (size,) in _LENGTH.iter_unpack(stream.read(buffers * _LENGTH.size))]
        self._check_size(length + sum(lengths))
        stream.left += sum(lengths)
        self._buffers = [bytearray(size) for size in lengths]
        for buffer in self._buffers:
            stream.readinto(buffer)
        self._stream = stream

    def _check_size(self, size: int) -> None:
        if size > self.limit:
            raise ProtocolError(f"a message of {size:,} bytes, where {self.limit:,} are the limit")

    def _load_stream(self, stream: "_Stream") -> object:
        self._stream = None
        buffers, self._buffers = self._buffers, []
        try:
            return Unpickler(stream, buffers=buffers).load()  # noqa: S301 - as above
        except Exception as error:
            if stream.error is not None:
                raise stream.error from None
            raise UndecodableError from error
        finally:
            stream.drain()

    def _read(self, view: memoryview) -> int:
        if self.deadline is not None:
            self._arm()
        got = self._sock.recv_into(view, 0, MSG_WAITALL)
        if not got:
            raise HangupError("the connection was closed in mid-message")
        return got

    def _send_all(self, parts: list[Part]) -> None:
        if self.deadline is not None:
            self._arm()
        if sum(map(len, parts)) <= _JOIN_BYTES:
            self._sendall(b"".join(parts))
            return
        for some in _portions(parts):
            rest = some
            while rest:
                if self.deadline is not None:
                    self._arm()
                rest = _after(rest, self._sock.sendmsg(rest))


class _Stream:
    """What is left of a message, as the file that an Unpickler reads; the first piece of it has arrived already."""

    def __init__(self, read: Callable[[memoryview], int], piece: memoryview, left: int) -> None:
        self._read = read
        self._piece = piece
        self.left = left
        self.error: BaseException | None = None
        """What kept it from reading on."""

    def read(self, size: int) -> bytes:
        if size > self.left:
            raise EOFError("the message ends too early")
        self.left -= size
        have = bytes(self._piece[:size])
        self._piece = self._piece[size:]
        while len(have) < size:
            have += self._receive(size - len(have))
        return have

    def readinto(self, target: bytearray | memoryview) -> int:
        view = memoryview(target)
        size = len(view)
        if size > self.left:
            raise EOFError("the message ends too early")
        self.left -= size
        done = min(size, len(self._piece))
        view[:done] = self._piece[:done]
        self._piece = self._piece[done:]
        while done < size:
            done += self._receive_into(view[done:])
        return size

    def readline(self) -> bytes:
        raise pickle.UnpicklingError("a pickle of an old protocol")

    def drain(self) -> None:
        """Read what the Unpickler left unread, so that the next message is found where it begins."""
        while self.left and self.error is None:
            self.read(min(self.left, _BUFFER_BYTES))
        if self._piece and self.error is None:
            raise ProtocolError("bytes after the end of a message")

    def _receive(self, size: int) -> bytes:
        target = bytearray(min(size, 1 << 20))
        return bytes(target[: self._receive_into(memoryview(target))])

    def _receive_into(self, view: memoryview) -> int:
        try:
            return self._read(view)
        except BaseException as error:
            self.error = error
            raise


def raw(chunk: object) -> Part:
    """The chunk of a pickle as plain memory of bytes, without a copy."""
    if isinstance(chunk, bytes | bytearray):
        return chunk
    return chunk.raw() if isinstance(chunk, PickleBuffer) else memoryview(chunk).cast("B")  # type: ignore[arg-type]  # pickle writes nothing but what has a buffer


def _portions(parts: list[Part]) -> Iterator[list[Part]]:
    for start in range(0, len(parts), _MOST_PARTS):
        yield parts[start : start + _MOST_PARTS]


def _after(parts: list[Part], sent: int) -> list[Part]:
    """What is left of the parts after so many bytes."""
    for index, part in enumerate(parts):
        if sent < len(part):
            return [memoryview(part)[sent:], *parts[index + 1 :]]
        sent -= len(part)
    return []


def _shut(sock: socket, how: int) -> None:
    try:
        sock.shutdown(how)
    except OSError:
        return  # The other side was first.
