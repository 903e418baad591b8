"""One accepted connection, as `dispatch` is given it: a blocking `socket.socket`, and what its server must know of it.

A forced stop has to end the connections in service from outside their threads. Shutting the socket down does that, also
where `dispatch` has wrapped it for TLS: wrapping detaches the descriptor, so the connection remembers which it was.
"""

import contextlib
import errno
import os
import socket
import sys
from typing import TYPE_CHECKING, TypeGuard

if TYPE_CHECKING:
    from ssl import SSLSocket

_ENDED_BY_PEER_OR_NETWORK = frozenset(
    {
        errno.ECONNRESET,
        errno.EPIPE,
        errno.ECONNABORTED,
        errno.ETIMEDOUT,
        errno.EHOSTUNREACH,
        errno.EHOSTDOWN,
        errno.ENETUNREACH,
        errno.ENETDOWN,
        errno.ENETRESET,
        errno.ENOTCONN,
        errno.ESHUTDOWN,
        errno.EPROTO,
    }
)


class Connection(socket.socket):
    """The socket of one client; everything that `socket.socket` is.

    The server closes it when `dispatch` returns or raises, unless `dispatch` has closed it or taken it over with
    `detach` (`server.dispatch.close`).
    """

    _detached: tuple[int, int, int] | None = None

    def detach(self) -> int:
        """Give the descriptor away, as `socket.socket.detach`: from now on closing it is the caller's affair."""
        descriptor = super().detach()
        if descriptor >= 0:
            status = os.fstat(descriptor)
            self._detached = (descriptor, status.st_dev, status.st_ino)
        return descriptor

    def cut(self) -> None:
        """End the conversation, wherever in its thread it stands: reads see the end, writes fail (`stop.forced`)."""
        try:
            if self.fileno() >= 0:
                self.shutdown(socket.SHUT_RDWR)
            elif self._detached:
                self._cut_detached(*self._detached)
        except OSError:
            pass  # The peer or the dispatch was faster.

    def close_for_good(self) -> None:
        """Close the descriptor now, also if a file made from this socket is still open somewhere."""
        self.close()
        if self.fileno() >= 0:
            os.close(super().detach())

    def _cut_detached(self, descriptor: int, device: int, inode: int) -> None:
        status = os.fstat(descriptor)
        if (status.st_dev, status.st_ino) == (device, inode):
            with socket.socket(fileno=os.dup(descriptor)) as same:
                same.shutdown(socket.SHUT_RDWR)


def is_the_connections_own(error: BaseException) -> bool:
    """Whether an exception that left `dispatch` is about its one connection only (`server.dispatch.peer`).

    That is what a peer can cause: it resets, vanishes, is silent for too long, breaks TLS or sends bytes that are no
    text.
    """
    match error:
        case ConnectionRefusedError():
            return False  # An accepted connection cannot be refused; a backend that dispatch has called can.
        case ConnectionError() | TimeoutError() | UnicodeDecodeError():
            return True
        case OSError():
            return error.errno in _ENDED_BY_PEER_OR_NETWORK or _is_tls_error(error)
        case _:
            return False


def is_tls(connection: socket.socket) -> TypeGuard["SSLSocket"]:
    """Whether a socket has been wrapped for TLS."""
    # Whoever has wrapped one has imported ssl; nobody else should pay for it.
    ssl = sys.modules.get("ssl")
    return ssl is not None and isinstance(connection, ssl.SSLSocket)


def end_tls(connection: "SSLSocket") -> None:
    """Say that this is the end of the conversation, and do not wait for the peer to say so too: it may be gone."""
    with contextlib.suppress(OSError, ValueError):
        connection.settimeout(0)
        connection.unwrap()


def wants_more_tls(error: OSError) -> bool:
    """Whether this only says that a TLS record is not complete yet."""
    ssl = sys.modules.get("ssl")
    return ssl is not None and isinstance(error, ssl.SSLWantReadError | ssl.SSLWantWriteError)


def _is_tls_error(error: OSError) -> bool:
    ssl = sys.modules.get("ssl")
    return ssl is not None and isinstance(error, ssl.SSLError)
