"""What the processes of a pool have in common: what was made before the first of them was forked.

    /tmp/riser-XXXX  0700     0.socket  1.socket ...     where the service processes listen
                              0.lock    1.lock ...       held by the one that is at that place

The listening sockets outlive the processes behind them, so a client that comes while one is being replaced waits in
its queue and is not turned away. The lock lets a process begin only when the one before it is really gone, whoever
had started that one.
"""

import contextlib
import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from riser.services.config import ServicesConfig
from riser.services.endpoint import UnixEndpoint
from riser.services.handshake import SECRET_BYTES, new_name
from riser.services.registry import Registry

_BACKLOG = 1024
_LONGEST_PATH = 100
_SHORT_DIRECTORY = "/tmp"  # noqa: S108 - where the user's own directory for such things has too long a name


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The place and the identity of one pool."""

    registry: Registry
    config: ServicesConfig
    directory: Path
    pool: bytes
    secret: bytes
    listeners: tuple[socket.socket, ...]
    make_client: Callable[[], object]
    """Makes a service process a client of the pool, too."""

    @classmethod
    def open(cls, registry: Registry, config: ServicesConfig, *, make_client: Callable[[], object]) -> "Site":
        """Make the directory and listen in it; raises OSError."""
        directory = _private_directory()
        with contextlib.ExitStack() as stack:
            stack.callback(shutil.rmtree, directory, ignore_errors=True)
            listeners = tuple(stack.enter_context(_listen(_socket(directory, n))) for n in range(config.process_num))
            stack.pop_all()
        return cls(
            registry=registry,
            config=config,
            directory=directory,
            pool=new_name(),
            secret=os.urandom(SECRET_BYTES),
            listeners=listeners,
            make_client=make_client,
        )

    def endpoint(self, slot: int) -> UnixEndpoint:
        """Where the process of this slot listens."""
        return UnixEndpoint(str(_socket(self.directory, slot)))

    def lock_path(self, slot: int) -> Path:
        """The file that the process of this slot locks."""
        return self.directory / f"{slot}.lock"

    def close(self) -> None:
        """Close this process's copies of the listening sockets."""
        for listener in self.listeners:
            listener.close()

    def remove(self) -> None:
        """Remove the directory and what is in it."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def let_go_of_foreign_listeners(self) -> None:
        """In a forked process: let go of every other listening socket, most of all that of the server.

        A port is free only when nobody has a copy. The descriptor stays, as one of the null device, because a socket
        object somewhere in this process believes that it is its own.
        """
        ours = {listener.fileno() for listener in self.listeners}
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - names are all there is to these
            descriptor = int(name)
            if descriptor not in ours and _listens(descriptor):
                os.dup2(null, descriptor, inheritable=False)
        os.close(null)


def _private_directory() -> Path:
    directory = Path(tempfile.mkdtemp(prefix="riser-"))
    if len(os.fsencode(directory)) <= _LONGEST_PATH - len("/0000.socket"):
        return directory
    directory.rmdir()
    return Path(tempfile.mkdtemp(prefix="riser-", dir=_SHORT_DIRECTORY))


def _socket(directory: Path, slot: int) -> Path:
    return directory / f"{slot}.socket"


def _listen(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # Before it is bound: the file is made with this mode, and never has another.
    os.fchmod(listener.fileno(), 0o600)
    listener.bind(str(path))
    listener.listen(_BACKLOG)
    return listener


def _listens(descriptor: int) -> bool:
    try:
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            return False
        # On a duplicate, so that no socket object of ours closes a descriptor that is not ours.
        with socket.socket(fileno=os.dup(descriptor)) as duplicate:
            return bool(duplicate.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    except OSError:
        return False
