"""A daemon under a service manager: sockets that it inherits, and the words that it sends back.

    the manager  --LISTEN_FDS, LISTEN_PID: descriptors 3, 4, ...--> the daemon listens there
                 <--NOTIFY_SOCKET: READY=1, RELOADING=1, ...-------
                 <--WATCHDOG=1 twice in WATCHDOG_USEC--------------

Without those variables nothing of this happens. They are taken out of the environment, so that programs that a server
starts do not believe they are meant. A manager that cannot be reached harms nobody.
"""

import contextlib
import os
import socket
import time
from collections.abc import MutableMapping

from riser.core.address import Address
from riser.core.phases import Condition
from riser.core.record import Record
from riser.errors import ListenError
from riser.listener import Listener, describe
from riser.logs import LOGGER

FIRST_INHERITED = 3
_SEND_SECONDS = 1.0
_MICROSECONDS = 1_000_000


class Inherited(Record):
    """Listening sockets from the manager, in its order; they are closed at the end and their files never removed."""

    sockets: tuple[socket.socket, ...]

    @classmethod
    def take(cls, environment: MutableMapping[str, str]) -> "Inherited":
        """Those that are meant for this very process (activation.listen_fds); call it before any fork.

        Raises `ListenError` for a descriptor that is no socket, or none at all.
        """
        pid = environment.pop("LISTEN_PID", "")
        count = environment.pop("LISTEN_FDS", "")
        environment.pop("LISTEN_FDNAMES", None)
        if pid != str(os.getpid()) or not count.isdecimal():
            return cls(())
        descriptors = range(FIRST_INHERITED, FIRST_INHERITED + int(count))
        return cls(tuple(_inherited(descriptor) for descriptor in descriptors))

    def open(self, number: int, address: Address) -> Listener:
        """The first listener is the inherited socket if there is one, wherever it listens; all others are opened.

        Raises `ListenError`.
        """
        if number > 1 or not self.sockets:
            return Listener.open(address)
        inherited = self.sockets[0]
        if len(self.sockets) > 1:
            LOGGER.warning("%d sockets inherited, the first is used", len(self.sockets))
        if not inherited.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            raise ListenError(describe(inherited), "the inherited socket does not listen")
        try:
            return Listener.adopt(inherited.dup())
        except OSError as error:
            raise ListenError(describe(inherited), error.strerror or str(error)) from error

    def close(self) -> None:
        """Close this process's descriptors."""
        for inherited in self.sockets:
            inherited.close()


def _inherited(descriptor: int) -> socket.socket:
    try:
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - it knows no keywords
        return socket.socket(fileno=descriptor)
    except OSError as error:
        raise ListenError(f"the inherited descriptor {descriptor}", error.strerror or str(error)) from error


class Manager:
    """The manager's end of NOTIFY_SOCKET and its watchdog, if there are any."""

    def __init__(self, path: str | None, watchdog_seconds: float | None) -> None:
        self._path = path
        self._watchdog_seconds = watchdog_seconds
        self._due: float | None = None

    @classmethod
    def take(cls, environment: MutableMapping[str, str]) -> "Manager":
        """As the environment says (activation.notify); call it before any fork."""
        path = environment.pop("NOTIFY_SOCKET", None)
        interval = environment.pop("WATCHDOG_USEC", "")
        pid = environment.pop("WATCHDOG_PID", str(os.getpid()))
        if path is None or pid != str(os.getpid()) or not interval.isdecimal() or int(interval) == 0:
            return cls(path, None)
        return cls(path, int(interval) / _MICROSECONDS)

    def tell(self, condition: Condition) -> None:
        """Send what the condition means to the manager."""
        self._send(message_of(condition, pid=os.getpid(), now=time.monotonic()))
        if condition is Condition.SERVING and self._watchdog_seconds is not None and self._due is None:
            self._due = time.monotonic()

    def tell_failure(self, reason: str) -> None:
        """Send why the daemon has failed, for the manager to show."""
        self._send(f"STATUS={reason.replace(chr(10), ' ')}")

    def due(self) -> float | None:
        """The monotonic time at which the watchdog wants to be told again; None if there is none."""
        return self._due

    def feed(self, now: float) -> None:
        """Tell the watchdog, if it is time, that the daemon is well."""
        if self._due is not None and self._watchdog_seconds is not None and self._due <= now:
            self._due = now + self._watchdog_seconds / 2
            self._send("WATCHDOG=1")

    def _send(self, message: str) -> None:
        if self._path is None:
            return
        # An abstract name is written with @ for the NUL that it begins with.
        place = f"\0{self._path[1:]}" if self._path.startswith("@") else self._path
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(_SEND_SECONDS)
            sender.sendto(message.encode(), place)


def message_of(condition: Condition, *, pid: int, now: float) -> str:
    """What sd_notify(3) calls it; `now` is monotonic."""
    status = f"STATUS={condition.value}"
    match condition:
        case Condition.SERVING:
            return f"READY=1\nMAINPID={pid}\n{status}"
        case Condition.RELOADING:
            return f"RELOADING=1\nMONOTONIC_USEC={int(now * _MICROSECONDS)}\n{status}"
        case Condition.STOPPING:
            return f"STOPPING=1\n{status}"
        case Condition.STARTING | Condition.DOWN:
            return status
