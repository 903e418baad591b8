"""A system log of the scenario's own: what a daemon sends to /dev/log, as lines.

    daemon  --syslog(3)-->  /dev/log, a link in its mount namespace  -->  socket in the workspace
            -->  "daemon.info name[4711]: text"  -->  Output  -->  timeline (What.LOG)

Of a message that is written as RFC 3164 has it, the priority becomes words and the time is left out; any other is
taken as it is. The socket is read by whoever looks at the lines, too, so that a message that was sent before a death is
never seen after it.
"""

from __future__ import annotations

import asyncio
import re
import socket
from typing import TYPE_CHECKING

from harness.engine.actors.client import Mortal
from harness.engine.actors.program import Output
from harness.engine.lookup import UnpublishedError
from harness.engine.verdicts import StepErroredError
from harness.model.fields import Kind
from harness.model.steps import Disturbance
from harness.model.timeline import What
from harness.namespaces import with_private_log

if TYPE_CHECKING:
    from pathlib import Path

    from harness.engine.actors.started import StartedActor
    from harness.engine.observe import Seen
    from harness.engine.world import World
    from harness.model.actors import Syslog

_READ_SIZE = 65536
_ANYBODY = 0o666
_MESSAGE = re.compile(r"<(?P<priority>\d{1,3})>(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d )?(?P<text>.*)", re.DOTALL)
_FACILITIES = (
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
    "ntp", "security", "console", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6",
    "local7",
)  # fmt: skip
_SEVERITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")


class SyslogActor:
    """Listens from the beginning of the item until its programs have been stopped, unless a fault keeps it from it."""

    kind = Kind.SYSLOG

    def __init__(self, model: Syslog, world: World) -> None:
        self.name = model.name
        self.output = Output(model.name, world)
        self.program_name = str(model.of)
        """The daemon or process whose messages it takes."""
        self._world = world
        self._path = world.workspace / f"{model.name}.log"
        self._socket: socket.socket | None = None
        self._is_reading = False
        world.on_process_end.append(self._on_process_end)
        self._listen()

    def published(self, name: str) -> object:
        """`output`: all messages so far, a line each."""
        if name != "output":
            raise UnpublishedError(f"a syslog has no {name}")
        self.drain()
        return str(self.output)

    def prefix(self, program: StartedActor) -> tuple[str, ...]:
        """The words before the program's command, by which it gets this as its /dev/log."""
        directory = self._world.workspace / f"{program.name}.dev"
        directory.mkdir(exist_ok=True)
        return with_private_log(directory, self._path)

    def drain(self) -> None:
        """Take in all messages that the kernel has for us now; none while a fault is on."""
        while self._is_reading and self._read_one():
            pass

    def obituary(self) -> str | None:
        """How the program that it is the log of has ended, and the last message; None while that runs."""
        actor = self._world.actors[self.program_name]
        death = actor.obituary() if isinstance(actor, Mortal) else None
        if death is None:
            return None
        words = self.last_words()
        return death + (f"; {words}" if words else "")

    def last_words(self) -> str | None:
        """A clause with the last message, None where there was none."""
        last = self.output.last()
        return f"{self.name} got last: {last}" if last else None

    def disturb(self, what: Disturbance) -> None:
        """Take nothing any more (`pause`), be away (`gone`), or be as at the beginning (`resume`)."""
        match what:
            case Disturbance.PAUSE:
                self._stop_reading()
            case Disturbance.GONE:
                self._close()
            case Disturbance.RESUME:
                self._listen()
            case _:
                raise StepErroredError(f"a syslog knows no {what}")
        self._world.timeline.record(self.name, What.NOTE, what.value)

    async def release(self) -> None:
        """Close the socket and remove its file."""
        self.drain()
        self._close()

    def _listen(self) -> None:
        if self._socket is None:
            self._socket = _bound(self._path)
        if not self._is_reading:
            self._is_reading = True
            asyncio.get_running_loop().add_reader(self._socket, self._read_one)

    def _stop_reading(self) -> None:
        if self._socket is not None and self._is_reading:
            self._is_reading = False
            asyncio.get_running_loop().remove_reader(self._socket)

    def _close(self) -> None:
        self._stop_reading()
        if self._socket is not None:
            self._socket.close()
            self._socket = None
            self._path.unlink(missing_ok=True)

    def _read_one(self) -> bool:
        """Whether there was a message."""
        assert self._socket is not None
        try:
            message = self._socket.recv(_READ_SIZE)
        except BlockingIOError:
            return False
        self.output.feed(line_of(message) + b"\n")
        return True

    def _on_process_end(self, _: Seen) -> None:
        self.drain()


def line_of(message: bytes) -> bytes:
    """The message as a line: `daemon.info name[4711]: text`."""
    text = message.rstrip(b"\0\n").decode(errors="surrogateescape")
    found = _MESSAGE.fullmatch(text)
    if found is not None:
        facility, severity = divmod(int(found["priority"]), len(_SEVERITIES))
        if facility < len(_FACILITIES):
            text = f"{_FACILITIES[facility]}.{_SEVERITIES[severity]} {found['text']}"
    return text.encode(errors="surrogateescape")


def syslog_prefix(program: StartedActor) -> tuple[str, ...]:
    """The words before the command of a program that has a syslog of its own; none before that of any other."""
    for actor in program.world.actors.values():
        if isinstance(actor, SyslogActor) and actor.program_name == program.name:
            return actor.prefix(program)
    return ()


def _bound(path: Path) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        sock.bind(str(path))
        # Like the machine's own: a daemon that has given up its privileges may write to it too.
        path.chmod(_ANYBODY)
    except OSError as error:
        sock.close()
        raise StepErroredError(f"{path} cannot be listened on: {error.strerror}") from error
    return sock
