"""A listening socket that a program is given, as by a service manager: descriptor 3, LISTEN_FDS and LISTEN_PID.

It is the harness's own and listens as long as the item lasts, so whoever connects while no daemon runs is served by the
next one. Only the program itself can know its pid before it begins; a shell that becomes the program says it.
"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING

from harness.engine.actors.connection import resolve
from harness.engine.endpoints import Endpoint, TcpEndpoint, UnixEndpoint
from harness.engine.verdicts import StepErroredError

if TYPE_CHECKING:
    from typing import Self

_BACKLOG = 128
_AS_THIRD = 'exec 3<&0 </dev/null; export LISTEN_FDS=1 LISTEN_PID="${LISTEN_PID:-$$}"; exec "$@"'
"""From standard input, the one descriptor that any shell can be given. Whose pid it is, a scenario may say itself."""

GIVING_WORDS = ("/bin/sh", "-c", _AS_THIRD, "sh")
"""The words before a command that gets its standard input as the socket that it inherits."""


class InheritedSocket:
    """The socket, and the file of one in the file system; `close` removes both."""

    def __init__(self, sock: socket.socket, endpoint: Endpoint) -> None:
        self._socket = sock
        self.endpoint = endpoint

    @classmethod
    def open(cls, endpoint: Endpoint) -> Self:
        """Raises StepErroredError for a place where nobody can listen."""
        try:
            family, address = resolve(endpoint)
            sock = socket.socket(family, socket.SOCK_STREAM)
            try:
                if family is not socket.AF_UNIX:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind(address)
                sock.listen(_BACKLOG)
            except BaseException:
                sock.close()
                raise
        except OSError as error:
            raise StepErroredError(f"{endpoint} cannot be listened on: {error.strerror or error}") from error
        match endpoint:
            case TcpEndpoint(host, _):
                return cls(sock, TcpEndpoint(host, sock.getsockname()[1]))
            case UnixEndpoint():
                return cls(sock, endpoint)

    def fileno(self) -> int:
        """The descriptor, for who starts the program."""
        return self._socket.fileno()

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()
        if isinstance(self.endpoint, UnixEndpoint):
            Path(self.endpoint.path).unlink(missing_ok=True)
