"""A service manager, as far as a program speaks to it: the datagram socket of NOTIFY_SOCKET, and a watchdog.

    program  --"READY=1\\nMAINPID=4711"-->  socket in the workspace  -->  Notice  -->  timeline (What.EVENT)

The kernel says who has sent a message. The socket is read at every death too, so that a message that was sent before a
death is never seen after it.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.engine.actors.client import Mortal
from harness.engine.lookup import UnpublishedError
from harness.engine.verdicts import StepErroredError
from harness.model.fields import Kind
from harness.model.timeline import What

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.engine.actors.started import StartedActor
    from harness.engine.observe import Seen
    from harness.engine.timeline import Mark
    from harness.engine.world import World
    from harness.model.actors import Notify

_READ_SIZE = 65536
_ANYBODY = 0o666
_CREDENTIALS = struct.Struct("3i")
_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Notice:
    """One message: its assignments, the process that sent it, and where in the timeline it came."""

    mark: Mark
    pid: int
    variables: Mapping[str, str]


class NotifyActor:
    """Listens from the beginning of the item until its program has been stopped."""

    kind = Kind.NOTIFY

    def __init__(self, model: Notify, world: World) -> None:
        self.name = model.name
        self.program_name = str(model.of)
        """The daemon or process that speaks to it."""
        self.notices: list[Notice] = []
        """All messages so far."""
        self.taken: set[int] = set()
        """Indexes of those that a step has waited for, so that no other step takes them for its own."""
        self._watchdog = model.watchdog
        self._world = world
        self._path = world.workspace / f"{model.name}.notify"
        self._socket: socket.socket | None = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        try:
            self._socket.bind(str(self._path))
            self._path.chmod(_ANYBODY)
        except OSError as error:
            self._socket.close()
            raise StepErroredError(f"{self._path} cannot be listened on: {error.strerror}") from error
        asyncio.get_running_loop().add_reader(self._socket, self._read_one)
        world.on_process_end.append(self._on_process_end)

    def published(self, name: str) -> object:
        """`path`: what its program finds in NOTIFY_SOCKET."""
        if name != "path":
            raise UnpublishedError(f"a notify has no {name}")
        return str(self._path)

    def environment(self) -> dict[str, str]:
        """What a service manager tells a program that it starts."""
        variables = {"NOTIFY_SOCKET": str(self._path)}
        if self._watchdog is not None:
            variables["WATCHDOG_USEC"] = str(round(self._watchdog.seconds * _MICROSECONDS))
        return variables

    def obituary(self) -> str | None:
        """How its program has ended; None while that runs."""
        program = self._world.actors[self.program_name]
        return program.obituary() if isinstance(program, Mortal) else None

    async def release(self) -> None:
        """Close the socket and remove its file."""
        self._drain()
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None
            self._path.unlink(missing_ok=True)

    def _on_process_end(self, _: Seen) -> None:
        self._drain()

    def _drain(self) -> None:
        while self._socket is not None and self._read_one():
            pass

    def _read_one(self) -> bool:
        """Whether there was a message."""
        assert self._socket is not None
        try:
            data, extra, _, _ = self._socket.recvmsg(_READ_SIZE, socket.CMSG_SPACE(_CREDENTIALS.size))
        except BlockingIOError:
            return False
        pid = _sender(extra)
        variables = variables_of(data)
        text = " ".join(f"{name}={value}" for name, value in variables.items())
        index = self._world.timeline.record(self.name, What.EVENT, text, pid=pid)
        self.notices.append(Notice(self._world.timeline.mark_of(index), pid, variables))
        return True


def variables_of(message: bytes) -> dict[str, str]:
    """The assignments of a message, one a line; what is none counts as a name without a value."""
    pairs = (line.partition("=") for line in message.decode(errors="backslashreplace").split("\n") if line)
    return {name: value for name, _, value in pairs}


def has_told_ready(program: StartedActor, since: Mark) -> bool:
    """Whether the program's service manager has been told READY=1 since then."""
    return any(
        notice.mark >= since and notice.variables.get("READY") == "1"
        for actor in program.world.actors.values()
        if isinstance(actor, NotifyActor) and actor.program_name == program.name
        for notice in actor.notices
    )


def notify_environment(program: StartedActor) -> dict[str, str]:
    """What the service manager of a program tells it; nothing where it has none."""
    for actor in program.world.actors.values():
        if isinstance(actor, NotifyActor) and actor.program_name == program.name:
            return actor.environment()
    return {}


def _sender(extra: list[tuple[int, int, bytes]]) -> int:
    for level, kind, data in extra:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
            pid: int = _CREDENTIALS.unpack(data)[0]
            return pid
    return 0
