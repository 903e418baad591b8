"""Two ends of a connection, of each kind that sessions go over."""

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from riser.services.engines.identity import new_identity
from riser.services.secure import Address, Identity, TcpEndpoint, TcpGuard, listen

Pair = tuple[socket.socket, socket.socket]
"""The client's end and the service's."""
PATIENCE_SECONDS = 30.0


@cache
def identity() -> Identity:
    return new_identity("dask")


@contextlib.contextmanager
def unix() -> Iterator[Pair]:
    """As between processes of one machine."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@contextlib.contextmanager
def tls() -> Iterator[Pair]:
    """As between machines, the handshake of TLS done."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    guard = TcpGuard(identity())
    with listen("127.0.0.1") as listener, ThreadPoolExecutor(1) as threads:
        there = Address(*listener.getsockname()[:2]), identity()
        connecting = threads.submit(TcpEndpoint(lambda _deadline: there).connect, deadline)
        theirs = guard.wrap(listener.accept()[0])
        guard.admit(theirs, deadline)
        ours = connecting.result(PATIENCE_SECONDS)
    theirs.settimeout(None)
    with ours, theirs:
        yield ours, theirs


PAIRS: dict[str, Callable[[], contextlib.AbstractContextManager[Pair]]] = {"unix": unix, "tls": tls}
