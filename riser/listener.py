"""A listening socket: opened or inherited, tuned, described, and removed only if it is still the one that was bound.

A Unix socket file is created with the mode that was asked for: on Linux the mode of the unbound socket, less the
umask, becomes the file's, so it is never more permissive, not even between bind and chmod
(`address.unix.mode.exact`). Where it is to belong to somebody else, group and others get nothing before that is done.
A file left by a dead process refuses connections: it is removed and the bind tried again. One that answers is in use,
and stays (`address.unix.stale`).
"""

import errno
import grp
import logging
import os
import pwd
import socket
import stat
from collections.abc import Iterator
from typing import Self, assert_never

from riser.core.address import Address, TcpAddress, UnixAddress, parse_address
from riser.errors import ListenError

BACKLOG = 4096
"""Asked of the kernel when the address does not say; it cuts it down to net.core.somaxconn."""


def read_address(value: object) -> Address:
    """The address that text or a mapping describes, service names looked up; raises `AddressError`."""

    def service_port(name: str) -> int:
        try:
            return socket.getservbyname(name, "tcp")
        except (OSError, ValueError) as error:  # a name that cannot even be asked for
            raise LookupError(name) from error

    return parse_address(value, service_port=service_port)


class Listener:
    """A listening socket and what must be known to remove it again."""

    def __init__(self, listening: socket.socket, *, bound: tuple[str, int, int] | None) -> None:
        self.socket = listening
        self._bound = bound
        self._description = describe(listening)

    @classmethod
    def open(cls, address: Address) -> Self:
        """Bind and listen; raises `ListenError` with the address and the system's reason."""
        match address:
            case TcpAddress():
                return cls(_open_tcp(address), bound=None)
            case UnixAddress():
                listening = _open_unix(address)
                status = os.stat(address.path)  # noqa: PTH116 - the text is what was bound, to the letter
                return cls(listening, bound=(_absolute(address.path), status.st_dev, status.st_ino))
            case _:
                assert_never(address)

    @classmethod
    def adopt(cls, listening: socket.socket) -> Self:
        """Take over a socket that someone else bound; its file is never removed from here."""
        return cls(listening, bound=None)

    def __repr__(self) -> str:
        return f"<Listener {self._description}>"

    def describe(self) -> str:
        """The address that clients connect to: "127.0.0.1:40127", "[::1]:80", "unix:/path"."""
        return self._description

    def fileno(self) -> int:
        """The socket's descriptor; -1 after `close`."""
        return self.socket.fileno()

    def tune(self, address: Address) -> Iterator[tuple[int, str]]:
        """Apply the options of `address` to the open socket; yields what to log as (level of `logging`, text).

        A failure to set one is a warning and not the end (`address.options`, `restart.address.options`).
        """
        yield _set_backlog(self.socket, address)
        if isinstance(address, UnixAddress):
            yield _set_ownership(address)
            yield _set_mode(address)

    def close(self) -> None:
        """Close this process's descriptor; other processes that have the socket go on listening."""
        self.socket.close()

    def remove(self) -> bool:
        """Unlink the socket file if it is still the one that was bound; whether it was (`address.unix.foreign`)."""
        if self._bound is None:
            return False
        path, device, inode = self._bound
        try:
            status = os.lstat(path)
            if (status.st_dev, status.st_ino) != (device, inode):
                return False
            os.unlink(path)  # noqa: PTH108 - as above
        except FileNotFoundError:
            return False
        return True


def describe(listening: socket.socket) -> str:
    """A socket's own address as text."""
    name = listening.getsockname()
    if listening.family == socket.AF_UNIX:
        return f"unix:{os.fsdecode(name)}"
    host, port = name[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _absolute(path: str) -> str:
    """The path whatever directory the daemon goes to; not by pathlib, which a daemon starts without."""
    return path if path.startswith("/") else f"{os.getcwd()}/{path}"  # noqa: PTH109 - as said


def _open_tcp(address: TcpAddress) -> socket.socket:
    try:
        candidates = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE, proto=socket.IPPROTO_TCP
        )
    except OSError as error:  # gaierror
        raise ListenError(str(address), error.strerror or str(error)) from error
    except UnicodeError as error:  # no name at all: "a..b", or a label of more than 63 characters
        raise ListenError(str(address), f"the host is not the name of one: {error}") from error
    reason = "no address"
    for family, kind, protocol, _name, place in candidates:
        try:
            listening = socket.socket(family, kind, protocol)
        except OSError as error:  # a family that this kernel lacks
            reason = error.strerror or str(error)
            continue
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(place)
            listening.listen(address.backlog or BACKLOG)
        except OSError as error:
            listening.close()
            reason = error.strerror or str(error)
        else:
            return listening
    raise ListenError(str(address), reason)


def _open_unix(address: UnixAddress) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if address.mode is not None:
            os.fchmod(listening.fileno(), _mode_at_first(address))
        try:
            listening.bind(address.path)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            _remove_stale(address)
            listening.bind(address.path)
        listening.listen(address.backlog or BACKLOG)
    except OSError as error:
        listening.close()
        raise ListenError(str(address), error.strerror or str(error)) from error
    except ListenError:
        listening.close()
        raise
    return listening


def _mode_at_first(address: UnixAddress) -> int:
    """The mode to be bound with: nothing for a group or others as long as they are not those that were meant."""
    assert address.mode is not None
    return address.mode if address.owner is None and address.group is None else address.mode & stat.S_IRWXU


def _remove_stale(address: UnixAddress) -> None:
    """Unlink a socket file that refuses connections; raises `ListenError` for one that does not, or is no socket."""
    seen = os.lstat(address.path)
    if not stat.S_ISSOCK(seen.st_mode):
        raise ListenError(str(address), "the path exists and is not a socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(0)
        outcome = probe.connect_ex(address.path)
    if outcome != errno.ECONNREFUSED:
        raise ListenError(str(address), "a live server listens there")
    now = os.lstat(address.path)
    if (now.st_dev, now.st_ino) == (seen.st_dev, seen.st_ino):
        os.unlink(address.path)  # noqa: PTH108 - the text is what is bound, to the letter


def _set_backlog(listening: socket.socket, address: Address) -> tuple[int, str]:
    if address.backlog is None:
        return logging.INFO, "server socket backlog is not changed."
    try:
        listening.listen(address.backlog)
    except OSError as error:
        return logging.WARNING, f"server socket backlog cannot be changed: {error.strerror}"
    return logging.INFO, f"server socket backlog: {address.backlog}"


def _set_mode(address: UnixAddress) -> tuple[int, str]:
    if address.mode is None:
        return logging.INFO, "unix domain server socket mode is not changed."
    try:
        os.chmod(address.path, address.mode)  # noqa: PTH101 - as above
    except OSError as error:
        return logging.WARNING, f"unix domain server socket mode cannot be changed: {error.strerror}"
    return logging.INFO, f"unix domain server socket mode: {address.mode:04o}"


def _set_ownership(address: UnixAddress) -> tuple[int, str]:
    if address.owner is None and address.group is None:
        return logging.INFO, "unix domain server socket ownership is not changed."
    try:
        os.chown(address.path, _user_id(address.owner), _group_id(address.group))
    except LookupError as error:
        return logging.WARNING, f"unix domain server socket ownership cannot be changed: {error.args[0]}"
    except OSError as error:
        return logging.WARNING, f"unix domain server socket ownership cannot be changed: {error.strerror}"
    return logging.INFO, f"unix domain server socket ownership: <{address.owner}> <{address.group}>"


def _user_id(owner: str | int | None) -> int:
    match owner:
        case None:
            return -1
        case int():
            return owner
        case str():
            return pwd.getpwnam(owner).pw_uid


def _group_id(group: str | int | None) -> int:
    match group:
        case None:
            return -1
        case int():
            return group
        case str():
            return grp.getgrnam(group).gr_gid
