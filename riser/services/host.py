"""A service process at work: it lets clients in, each connection in a thread of its own, until it is told to stop.

    listener, stop --> accept --> thread: user? secret? --> Session    calls
                                                       \\-> ServiceLease    a client's life

A stop lets calls that are under way finish for a while, tells everything else that it is over, and waits for the
threads, in which open context managers are left.
"""

import contextlib
import errno
import logging
import os
import selectors
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, assert_never

from riser.services.config import ServicesConfig
from riser.services.errors import ProtocolError
from riser.services.exports import Exports, Lease, Place
from riser.services.forks import ForkAware, watch_forks
from riser.services.frames import Wire
from riser.services.handshake import Role, Status, Welcome, answer, is_same_user, receive_hello
from riser.services.lease import ServiceLease, receive_legacy
from riser.services.lent import thread as this_thread
from riser.services.session import Session
from riser.services.shape import shape_of

_log = logging.getLogger("riser")

_ACCEPT_PAUSE_SECONDS = 0.1
_END_SECONDS = 0.25
"""How long threads may take to notice that their connections were ended under them."""
_REFUSALS = 32
"""So many connections beyond the limit are told that it is reached; more are just closed."""
_OUT_OF_ROOM = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class Control:
    """What answers for the service process itself."""

    def __init__(self, fronts: Sequence[object]) -> None:
        self._fronts = fronts
        self.exports: Exports | None = None

    def fronts(self) -> list[tuple[object, ...]]:
        """The shapes of the fronts."""
        return [tuple(shape_of(front)) for front in self._fronts]

    def hold(self, target: int) -> None:
        """Hold an object for the calling client, which has heard of it from another process."""
        session = this_thread.session
        assert session is not None
        assert self.exports is not None
        session.await_lease()
        self.exports.hold(session.client, target)

    def held_count(self) -> int:
        """How many objects clients hold."""
        return 0 if self.exports is None else self.exports.held_count()


class _Connection(NamedTuple):
    thread: threading.Thread
    role: Role | None
    """None as long as the peer has not said what it is."""


class Guard(Protocol):
    """What keeps strangers away where the system does not."""

    def wrap(self, sock: socket.socket) -> socket.socket:
        """The connection as it is to be served; its peer is asked for nothing yet. Raises OSError."""

    def admit(self, sock: socket.socket, deadline: float) -> None:
        """See that the peer of a wrapped connection belongs here; raises OSError, TimeoutError at `deadline`."""


class Host(ForkAware):
    """Serves the fronts of one service process."""

    def __init__(
        self,
        fronts: Sequence[object],
        *,
        place: Place,
        secret: bytes,
        config: ServicesConfig,
        guard: Guard | None = None,
    ) -> None:
        """`guard` is wanted where connections come over TCP."""
        control = Control(fronts)
        self.exports = control.exports = Exports(fronts, place=place, control=control)
        self._welcome = Welcome(place.incarnation, os.getpid())
        self._secret = secret
        self._config = config
        self._guard = guard
        self._connections: dict[socket.socket, _Connection] = {}
        self._lock = threading.Lock()
        watch_forks(self)

    def serve(self, listener: socket.socket, stop: int) -> None:
        """Let clients in until the descriptor `stop` becomes readable."""
        listener.settimeout(0)
        with selectors.DefaultSelector() as selector:
            selector.register(listener, selectors.EVENT_READ)
            selector.register(stop, selectors.EVENT_READ)
            while not any(key.fd == stop for key, _ in selector.select()):
                self._accept(listener)

    def see_out(self) -> None:
        """Let calls finish, for as long as the configuration allows, then end all connections, leases last."""
        self._end(Role.CALLS, socket.SHUT_RD, seconds=self._config.drain_seconds)
        self._end(Role.CALLS, socket.SHUT_RDWR, seconds=_END_SECONDS)
        self._end(Role.LEASE, socket.SHUT_RD, seconds=_END_SECONDS)

    def let_in(self, sock: socket.socket) -> None:
        """Serve a connection, if its peer proves to be a client."""
        if len(self._connections) >= self._config.connection_limit + _REFUSALS or not self._is_welcome(sock):
            sock.close()
            return
        sock.settimeout(None)
        try:
            served = sock if self._guard is None else self._guard.wrap(sock)
        except OSError:  # It is gone already.
            sock.close()
            return
        self._start(served, lambda: self._greet(served), role=None)

    def adopt(self, sock: socket.socket, lease: Lease) -> None:
        """Serve the lease of a client that was forked from another."""
        self._start(sock, lambda: self._serve_lease(sock, lease), role=Role.LEASE)

    def after_fork_in_child(self) -> None:
        """A child of a service must not keep its clients' connections open when the service dies."""
        for sock in self._connections:
            sock.close()
        self._connections = {}
        self._lock = threading.Lock()

    def _accept(self, listener: socket.socket) -> None:
        try:
            sock, _ = listener.accept()
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno in _OUT_OF_ROOM:
                _log.warning("a service process cannot take a connection: %s", error.strerror)
                time.sleep(_ACCEPT_PAUSE_SECONDS)  # The kernel does not tell when there is room again.
            return  # Otherwise it was the client who was gone before it was let in.
        self.let_in(sock)

    def _is_welcome(self, sock: socket.socket) -> bool:
        if sock.family != socket.AF_UNIX or is_same_user(sock):
            return True
        _log.warning("a service process was called by another user, and hung up")
        return False

    def _start(self, sock: socket.socket, work: Callable[[], None], *, role: Role | None) -> None:
        thread = threading.Thread(target=self._run, args=(sock, work), daemon=True)
        with self._lock:
            self._connections[sock] = _Connection(thread, role)
        try:
            thread.start()
        except RuntimeError:  # The system has no thread to give; the client is told by the end of its connection.
            self._forget(sock)

    def _run(self, sock: socket.socket, work: Callable[[], None]) -> None:
        try:
            work()
        except (OSError, ProtocolError) as error:
            _log.debug("a connection ended before it began: %s", error)
        finally:
            self._forget(sock)

    def _forget(self, sock: socket.socket) -> None:
        with self._lock:
            self._connections.pop(sock, None)
        sock.close()

    def _greet(self, sock: socket.socket) -> None:
        deadline = time.monotonic() + self._config.handshake_timeout_seconds
        if self._guard is not None:
            self._guard.admit(sock, deadline)
        hello = receive_hello(sock, secret=self._secret, deadline=deadline)
        if len(self._connections) > self._config.connection_limit:
            answer(sock, Status.FULL, self._welcome)
            return
        role = Role.CALLS if hello.role is Role.CALLS else Role.LEASE
        with self._lock:
            if sock in self._connections:
                self._connections[sock] = self._connections[sock]._replace(role=role)
        match hello.role:
            case Role.CALLS:
                answer(sock, Status.WELCOME, self._welcome)
                wire = Wire(sock, limit=self._config.message_limit_bytes)
                Session(wire, exports=self.exports, client=hello.client).serve()
            case Role.LEASE:
                lease = self.exports.open_lease(hello.client)
                answer(sock, Status.WELCOME, self._welcome)
                self._serve_lease(sock, lease)
            case Role.FORKED_LEASE:
                parent, targets = receive_legacy(sock, limit=self._config.message_limit_bytes, deadline=deadline)
                lease = self.exports.inherit(parent, targets, hello.client)
                answer(sock, Status.WELCOME, self._welcome)
                self._serve_lease(sock, lease)
            case _:
                assert_never(hello.role)

    def _serve_lease(self, sock: socket.socket, lease: Lease) -> None:
        ServiceLease(sock, lease, exports=self.exports, adopt=self.adopt).serve()

    def _end(self, role: Role, how: int, *, seconds: float) -> None:
        """Shut the connections of this role, and those that have none yet, and wait so long for their threads."""
        with self._lock:
            ending = [(sock, each.thread) for sock, each in self._connections.items() if each.role in (role, None)]
            for sock, _ in ending:
                with contextlib.suppress(OSError):
                    sock.shutdown(how)
        deadline = time.monotonic() + seconds
        for _, thread in ending:
            thread.join(max(deadline - time.monotonic(), 0))
