"""The connection by which a service process knows that a client lives, and what it still refers to.

    client -> service   release: target, holds            a proxy is gone
                        fork: count; name, targets        a child holds these too, and this is its connection --> fd
    end of the connection: the client is gone, and everything it held is released

Nothing is ever answered. A forked child has to hold what it refers to from the moment of the fork on, whatever its
parent gives up after that. So the parent makes the child's connection beforehand and sends one end of it along, in
the order of its own releases; the child keeps the other. Where no descriptor can be sent along, over TCP, the parent
makes a connection that begins with what the child inherits, and forks when the service process has taken it.
"""

import array
import collections
import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence

from riser.services.errors import ProtocolError
from riser.services.exports import Exports, Lease
from riser.services.handshake import NAME_BYTES, receive_exactly

_ENTRY = struct.Struct("!BQI")
_TARGET = struct.Struct("!Q")
_LEGACY = struct.Struct(f"!{NAME_BYTES}sI")
_RELEASE = 0
_FORK = 1
_PIECE_BYTES = 65536
_MOST_DESCRIPTORS = 16
_ROOM = socket.CMSG_SPACE(_MOST_DESCRIPTORS * array.array("i").itemsize)
_MOST_RELEASES = 512
"""Releases of one send: 6.5 KB, which a socket takes whole or not at all."""


class ClientLease:
    """The client's end."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._dropped: collections.deque[tuple[int, int]] = collections.deque()
        self._unsent = b""
        self._lock = threading.Lock()

    def drop(self, target: int, holds: int) -> None:
        """Give up holds, now if that is possible without waiting, or with a later one.

        It is called when a proxy ceases to exist, which may be in the middle of anything, this function included.
        """
        self._dropped.append((target, holds))
        self.flush()

    def flush(self) -> None:
        """Send what was dropped, as far as it goes without waiting."""
        # Whoever holds the lock looks again after letting go of it, so nothing that was appended meanwhile stays.
        while (self._dropped or self._unsent) and self._lock.acquire(blocking=False):
            try:
                if not self._send_some():
                    return
            finally:
                self._lock.release()

    def fork(self, client: bytes, targets: Sequence[int]) -> "ClientLease | None":
        """The lease of a child that is about to be forked, or None if the service process cannot be told now."""
        ours, theirs = socket.socketpair()
        message = _ENTRY.pack(_FORK, 0, len(targets)) + client + b"".join(map(_TARGET.pack, targets))
        with theirs, self._lock:
            if not self._unsent and self._send_with(message, theirs):
                return ClientLease(ours)
        ours.close()
        return None

    def close(self) -> None:
        """End the lease, or this process's copy of it."""
        self._sock.close()

    def _send_some(self) -> bool:
        message = self._unsent
        with contextlib.suppress(IndexError):
            while len(message) < _MOST_RELEASES * _ENTRY.size:
                message += _ENTRY.pack(_RELEASE, *self._dropped.popleft())
        try:
            sent = self._sock.send(message, socket.MSG_DONTWAIT)
        except BlockingIOError:
            self._unsent = message
            return False
        except OSError:
            # The service process is gone, and with it whatever was held there.
            self._unsent = b""
            self._dropped.clear()
            return False
        self._unsent = message[sent:]
        return True

    def _send_with(self, message: bytes, passed: socket.socket) -> bool:
        descriptors = array.array("i", [passed.fileno()])
        try:
            sent = self._sock.sendmsg(
                [message], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)], socket.MSG_DONTWAIT
            )
        except OSError:
            return False
        self._unsent = message[sent:]
        return True


def legacy_of(client: bytes, targets: Sequence[int]) -> bytes:
    """What a client that is about to be forked from this one inherits, as it follows the hello."""
    return _LEGACY.pack(client, len(targets)) + b"".join(map(_TARGET.pack, targets))


def receive_legacy(sock: socket.socket, *, limit: int, deadline: float) -> tuple[bytes, list[int]]:
    """The client that was forked from, and what its child inherits; raises OSError and `ProtocolError`."""
    client, count = _LEGACY.unpack(receive_exactly(sock, _LEGACY.size, deadline))
    size = count * _TARGET.size
    if size > limit:
        raise ProtocolError(f"a forked client that holds {count:,} objects")
    return client, [target for (target,) in _TARGET.iter_unpack(receive_exactly(sock, size, deadline))]


class ServiceLease:
    """The service's end: reads until the client is gone."""

    def __init__(
        self, sock: socket.socket, lease: Lease, *, exports: Exports, adopt: Callable[[socket.socket, Lease], None]
    ) -> None:
        self._sock = sock
        self._lease = lease
        self._exports = exports
        self._adopt = adopt
        self._came = b""
        self._descriptors: collections.deque[int] = collections.deque()

    def serve(self) -> None:
        """Take releases and forks until the client is gone, then release all that it holds."""
        try:
            while self._receive():
                for code, target, number in self._entries():
                    if code == _RELEASE:
                        self._exports.release(self._lease.client, target, number)
                    else:
                        self._fork(number)
        except OSError:
            pass  # It is gone in another way.
        finally:
            self._sock.close()
            for descriptor in self._descriptors:
                socket.close(descriptor)
            self._exports.end_lease(self._lease)

    def _receive(self) -> bool:
        piece, ancillary, _, _ = self._sock.recvmsg(_PIECE_BYTES, _ROOM, socket.MSG_CMSG_CLOEXEC)
        for level, kind, data in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                self._descriptors.extend(array.array("i", data))
        self._came += piece
        return bool(piece)

    def _entries(self) -> Iterator[tuple[int, int, int]]:
        while len(self._came) >= _ENTRY.size:
            code, target, number = _ENTRY.unpack_from(self._came)
            if code == _FORK and len(self._came) < _ENTRY.size + NAME_BYTES + number * _TARGET.size:
                return
            self._came = self._came[_ENTRY.size :]
            yield code, target, number

    def _fork(self, number: int) -> None:
        end = NAME_BYTES + number * _TARGET.size
        client, packed, self._came = self._came[:NAME_BYTES], self._came[NAME_BYTES:end], self._came[end:]
        targets = [target for (target,) in _TARGET.iter_unpack(packed)]
        forked = self._exports.copy_holds(self._lease, targets, client)
        self._adopt(socket.socket(fileno=self._descriptors.popleft()), forked)
