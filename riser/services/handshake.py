"""Who is there: the first bytes of every connection, looked at before a byte is unpickled.

    client -> service   RISR, version, role, the pool's secret, the client's name     56 bytes
    service -> client   RISR, version, status, incarnation, pid                       28 bytes

On a Unix socket the kernel tells the peer's user first, and another user's is closed at once. The secret was made when
the pool was, and only processes forked since then know it; who has another is closed without a word. The incarnation
is a service process's own name: another one at the same place has another.
"""

import enum
import os
import socket
import struct
import time
from hmac import compare_digest
from typing import NamedTuple

from riser.services.errors import ProtocolError
from riser.services.frames import HangupError

VERSION = 1
SECRET_BYTES = 32
NAME_BYTES = 16

_MAGIC = b"RISR"
_HELLO = struct.Struct(f"!4sHBx{SECRET_BYTES}s{NAME_BYTES}s")
_WELCOME = struct.Struct(f"!4sHBx{NAME_BYTES}sI")
_CREDENTIALS = struct.Struct("3i")


class Role(enum.Enum):
    """What a connection is for."""

    CALLS = 0
    LEASE = 1
    FORKED_LEASE = 2
    """That of a client which is about to be forked and inherits what the hello is followed by."""


class Status(enum.Enum):
    """What the service says to a client."""

    WELCOME = 0
    WRONG_VERSION = 1
    FULL = 2


class Hello(NamedTuple):
    """What a client says of itself."""

    role: Role
    client: bytes


class Welcome(NamedTuple):
    """What a service process says of itself."""

    incarnation: bytes
    pid: int


class RefusedError(ProtocolError):
    """The service process refuses this client, and says why."""


def new_name() -> bytes:
    """A name that no other client or service process has."""
    return os.urandom(NAME_BYTES)


def is_same_user(sock: socket.socket) -> bool:
    """Whether the process at the other end of a Unix socket runs as the same user as this one."""
    _, uid, _ = _CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return bool(uid == os.geteuid())


def greet(sock: socket.socket, hello: Hello, *, secret: bytes, deadline: float, legacy: bytes = b"") -> Welcome:
    """Introduce this client, with what it inherits; the socket is left without a time limit.

    Raises ConnectionError, TimeoutError at the monotonic time `deadline`, and `ProtocolError`.
    """
    _limit_socket(sock, deadline)
    sock.sendall(_HELLO.pack(_MAGIC, VERSION, hello.role.value, secret, hello.client) + legacy)
    magic, version, status, incarnation, pid = _WELCOME.unpack(receive_exactly(sock, _WELCOME.size, deadline))
    if magic != _MAGIC:
        raise ProtocolError("what listens there is no service process")
    if status == Status.WRONG_VERSION.value or version != VERSION:
        raise RefusedError(f"it speaks version {version} of the protocol, this client version {VERSION}")
    if status == Status.FULL.value:
        raise RefusedError("it has no connections left to give")
    sock.settimeout(None)
    return Welcome(incarnation, pid)


def receive_hello(sock: socket.socket, *, secret: bytes, deadline: float) -> Hello:
    """What the peer says of itself.

    Raises ConnectionError, TimeoutError at `deadline`, and `ProtocolError` for whoever does not know the secret.
    """
    magic, version, role, its_secret, client = _HELLO.unpack(receive_exactly(sock, _HELLO.size, deadline))
    if magic != _MAGIC or not compare_digest(its_secret, secret) or role > Role.FORKED_LEASE.value:
        raise ProtocolError("a stranger")
    if version != VERSION:
        answer(sock, Status.WRONG_VERSION, Welcome(bytes(NAME_BYTES), 0))
        raise ProtocolError(f"a client of version {version}")
    return Hello(Role(role), client)


def answer(sock: socket.socket, status: Status, welcome: Welcome) -> None:
    """Answer a client; the socket is left without a time limit."""
    sock.sendall(_WELCOME.pack(_MAGIC, VERSION, status.value, welcome.incarnation, welcome.pid))
    sock.settimeout(None)


def receive_exactly(sock: socket.socket, size: int, deadline: float) -> bytes:
    """So many bytes; raises ConnectionError, and TimeoutError at `deadline`."""
    got = bytearray()
    while len(got) < size:
        _limit_socket(sock, deadline)
        piece = sock.recv(size - len(got))
        if not piece:
            raise HangupError("the connection was closed during the handshake")
        got += piece
    return bytes(got)


def _limit_socket(sock: socket.socket, deadline: float) -> None:
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    sock.settimeout(seconds)
