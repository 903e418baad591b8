"""Where a service process listens, and how a client gets a socket to it."""

import contextlib
import socket
import struct
import time
from dataclasses import dataclass
from typing import ClassVar, Protocol

_TIMEVAL = struct.Struct("ll")


class Endpoint(Protocol):
    """A way to a service process."""

    passes_descriptors: ClassVar[bool]
    """Whether descriptors can be sent along with bytes."""

    def connect(self, deadline: float) -> socket.socket:
        """A connected socket; raises OSError, and TimeoutError at the monotonic time `deadline`."""


@dataclass(frozen=True, slots=True)
class UnixEndpoint:
    """A Unix socket of this machine."""

    passes_descriptors: ClassVar[bool] = True

    path: str

    def connect(self, deadline: float) -> socket.socket:
        """Connect, and wait while the queue of connections is full."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with contextlib.ExitStack() as stack:
            stack.callback(sock.close)
            # A socket that does not block would refuse to wait for a place in a full queue; this one waits for so long.
            _limit_sending(sock, max(deadline - time.monotonic(), 0.001))
            try:
                sock.connect(self.path)
            except BlockingIOError:
                raise TimeoutError from None
            _limit_sending(sock, 0)
            stack.pop_all()
        return sock


def _limit_sending(sock: socket.socket, seconds: float) -> None:
    whole = int(seconds)
    value = _TIMEVAL.pack(whole, int((seconds - whole) * 1_000_000))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, value)
