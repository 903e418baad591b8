"""Sessions over TCP: the same messages as on a Unix socket, inside of TLS that lets in nobody but the pool.

    client --TCP--> TLS 1.3, both show the pool's certificate --> hello with the pool's secret --> messages

The certificate and its key are made when the pool is, and are in memory only. Both sides show that they have the key
before either says a word, so whoever has not gets no further than the handshake of TLS, which has a deadline. Where
there is a wire, there is TLS: nothing is ever sent in the clear, on the loopback interface neither.
"""

import contextlib
import errno
import os
import select
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, cast

_BACKLOG = 1024
_KEEPALIVE = {socket.TCP_KEEPIDLE: 5, socket.TCP_KEEPINTVL: 5, socket.TCP_KEEPCNT: 3, socket.TCP_USER_TIMEOUT: 20_000}
"""A machine that vanishes without a word is given up after 20 seconds."""
_JOIN_BYTES = 16384
"""As much as one record of TLS can hold."""


class Address(NamedTuple):
    """Where a service process listens."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Identity:
    """What the processes of a pool know each other by: a certificate of its own and the key to it, both as PEM."""

    certificate: str
    key: str = field(repr=False)

    def context(self, *, server: bool) -> ssl.SSLContext:
        """How one side of a connection shows that it has the key, and demands the same of the other."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        # The pool has one certificate, whatever machine its processes are on.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=self.certificate)
        context.sslsocket_class = SecureSocket
        if server:
            context.num_tickets = 0
        with _memory_file(self.certificate + self.key) as path:
            context.load_cert_chain(path)
        return context


class SecureSocket(ssl.SSLSocket):
    """A connection inside of TLS, with those ways of a plain socket that messages and leases need."""

    def shake_hands(self, deadline: float) -> None:
        """See that the other side has the pool's key; raises OSError, TimeoutError at the monotonic `deadline`."""
        self.settimeout(max(deadline - time.monotonic(), 0.001))
        self.do_handshake()

    def send(self, data: Any, flags: int = 0) -> int:
        """Send it all; with MSG_DONTWAIT raise BlockingIOError where that would take time."""
        self._see_that_nothing_came()
        if not flags & socket.MSG_DONTWAIT:
            return super().send(data)
        timeout = self.gettimeout()
        self.settimeout(0)
        try:
            return super().send(data)
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
            raise BlockingIOError from None
        finally:
            self.settimeout(timeout)

    def sendmsg(  # type: ignore[override]  # ssl says that it has none
        self, buffers: Iterable[Any], ancdata: Any = (), flags: int = 0, address: Any = None
    ) -> int:
        """Send the first of the buffers, and what follows as long as that is little; how much it was."""
        del ancdata, flags, address
        rest = iter(buffers)
        first = next(rest)
        if len(first) < _JOIN_BYTES:
            joined = bytearray(first)
            for buffer in rest:
                if len(joined) + len(buffer) > _JOIN_BYTES:
                    break
                joined += buffer
            first = joined
        return self.send(first)

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
        """Receive some; that it should be all is a wish, to a plain socket too."""
        del flags
        return super().recv_into(buffer, nbytes)

    def recvmsg(  # type: ignore[override]  # as above
        self, bufsize: int, ancbufsize: int = 0, flags: int = 0
    ) -> tuple[bytes, list[Any], int, Any]:
        """Receive some; nothing else ever comes along."""
        del ancbufsize, flags
        return self.recv(bufsize), [], 0, None

    def shutdown(self, how: int) -> None:
        """End the connection, in whatever thread it is used, without a word of TLS."""
        socket.socket.shutdown(self, how)

    def _see_that_nothing_came(self) -> None:
        """Raise BrokenPipeError if the service has hung up, before a byte of the message is sent.

        TCP takes what is sent to a process that is gone, and tells only later. But as both sides take turns, nothing
        can be on its way to a client that is about to send, other than the end.
        """
        if self.server_side:
            return
        if self.fileno() < 0:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN | select.POLLRDHUP)
        if poll.poll(0):
            raise BrokenPipeError("the service process had hung up")


class TcpGuard:
    """Lets in whoever has the pool's key; for a `Host`, it is the `Guard`."""

    def __init__(self, identity: Identity) -> None:
        self._context = identity.context(server=True)

    def wrap(self, sock: socket.socket) -> SecureSocket:
        """The connection inside of TLS."""
        tune(sock)
        return cast("SecureSocket", self._context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False))

    def admit(self, sock: socket.socket, deadline: float) -> None:
        """See that the peer has the key."""
        assert isinstance(sock, SecureSocket)
        sock.shake_hands(deadline)


@dataclass(frozen=True, slots=True)
class TcpEndpoint:
    """A way to a service process on any machine.

    `find` says where it is now, and what shows that it is; it may wait until a monotonic deadline.
    """

    passes_descriptors: ClassVar[bool] = False

    find: Callable[[float], tuple[Address, Identity]]
    _contexts: dict[tuple[int, str], ssl.SSLContext] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def connect(self, deadline: float) -> SecureSocket:
        """Connect and shake hands.

        Raises ConnectionResetError for whatever keeps it from that, since another process may be there soon.
        """
        address, identity = self.find(deadline)
        try:
            plain = socket.create_connection(address, timeout=max(deadline - time.monotonic(), 0.001))
            return self._secure(plain, identity, deadline)
        except TimeoutError:
            raise
        except OSError as error:
            raise ConnectionResetError(str(error)) from error

    def _secure(self, plain: socket.socket, identity: Identity, deadline: float) -> SecureSocket:
        with contextlib.ExitStack() as stack:
            stack.callback(plain.close)
            tune(plain)
            secure = cast("SecureSocket", self._context(identity).wrap_socket(plain, do_handshake_on_connect=False))
            stack.callback(secure.close)
            secure.shake_hands(deadline)
            stack.pop_all()
        return secure

    def _context(self, identity: Identity) -> ssl.SSLContext:
        # One for each process: a lock in it may have been held by another thread when this process was forked.
        key = (os.getpid(), identity.certificate)
        context = self._contexts.get(key)
        if context is None:
            self._contexts.clear()
            context = self._contexts[key] = identity.context(server=False)
        return context


def listen(host: str) -> socket.socket:
    """A socket that listens on a free port of this interface; raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, 0), family=family, backlog=_BACKLOG)


def tune(sock: socket.socket) -> None:
    """Let small messages go at once, and a peer that vanished be noticed."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE.items():
        sock.setsockopt(socket.IPPROTO_TCP, option, value)


@contextlib.contextmanager
def _memory_file(text: str) -> Any:
    """The path of a file with this text that is nowhere on a disk; OpenSSL takes a certificate from no other place."""
    descriptor = os.memfd_create("identity", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
