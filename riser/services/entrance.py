"""How a client gets into a service process: it connects, says who it is, and waits while another one is being started.

connect, hello, welcome -> this process is there -> a connection for calls, or for a lease
      ^                         |
      +-- it died just then ----+    until the deadline
"""

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from riser.services.endpoint import Endpoint
from riser.services.errors import ProtocolError, ServiceTimeout, ServiceUnavailableError
from riser.services.handshake import Hello, RefusedError, Role, Welcome, greet
from riser.services.limits import Limit

T = TypeVar("T")

_RETRY_SECONDS = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a client needs to know to be let in."""

    pool: bytes
    """The pool's name."""
    secret: bytes
    message_limit: int
    connect_seconds: float
    """How long to wait for a service process that is being started again."""


class Entrance:
    """The way into the service process of one slot."""

    def __init__(self, name: str, endpoint: Endpoint, *, access: Access) -> None:
        self._name = name
        """What the process is called in messages."""
        self._endpoint = endpoint
        self._access = access
        self.passes_descriptors = endpoint.passes_descriptors

    def greet(
        self, role: Role, client: bytes, deadline: float, *, legacy: bytes = b""
    ) -> tuple[socket.socket, Welcome]:
        """A connection, and which process is at its other end; raises OSError and `ProtocolError`.

        `legacy` is what a forked client inherits, if that is the role.
        """
        sock = self._endpoint.connect(deadline)
        try:
            hello = Hello(role, client)
            return sock, greet(sock, hello, secret=self._access.secret, deadline=deadline, legacy=legacy)
        except BaseException:
            sock.close()
            raise

    def until_open(self, enter: Callable[[float], T], *, limit: Limit | None, seconds: float | None) -> T:
        """What `enter` returns, which is tried again with the deadline until it gets in.

        Raises `ServiceTimeout` at the limit, and `ServiceUnavailableError` after `seconds`, or the time that the
        access allows.
        """
        seconds = self._access.connect_seconds if seconds is None else seconds
        deadline = time.monotonic() + seconds
        if limit is not None and limit.deadline < deadline:
            deadline, seconds = limit
        else:
            limit = None
        while True:
            try:
                _check(deadline)
                return enter(deadline)
            except RefusedError as error:
                raise ServiceUnavailableError(self._name, str(error)) from None
            except TimeoutError:
                if limit is not None:
                    raise ServiceTimeout(self._name, seconds) from None
                raise ServiceUnavailableError(self._name, f"it did not answer within {seconds:g} s") from None
            except (ConnectionRefusedError, FileNotFoundError):
                raise ServiceUnavailableError(self._name, "nobody listens there; the services have ended") from None
            except (ConnectionError, ProtocolError):
                # It died while it greeted us. Another one takes its place, and the same socket: nothing tells when.
                time.sleep(_RETRY_SECONDS)


def _check(deadline: float) -> None:
    if time.monotonic() >= deadline:
        raise TimeoutError
