"""Any program as an actor: started, ready when it says so, stopped by a signal."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from harness.engine.actors.notify import has_told_ready, notify_environment
from harness.engine.actors.program import Command, Program, Reading
from harness.engine.actors.started import StartedActor
from harness.engine.actors.syslog import syslog_prefix
from harness.engine.lookup import UnpublishedError
from harness.engine.observe import Ending, Seen, descendants_of, signal_name, signal_number
from harness.engine.waits import Limit, until
from harness.model.actors import Process, Ready, Terminal
from harness.model.fields import Kind
from harness.model.manifest import RISER_SIGNALS, Action
from harness.model.timeline import What

if TYPE_CHECKING:
    from harness.engine.timeline import Mark
    from harness.engine.world import World

_LOOK_AGAIN = 0.01
"""Seconds between two looks at what the kernel announces to nobody: a new listener, a new file."""
_SHELL_SIGNAL_BASE = 128
_LISTENING = "0A"


class ProcessActor(StartedActor):
    """A program of the scenario's own, in a directory of its own."""

    kind = Kind.PROCESS

    def __init__(self, model: Process | Terminal, world: World) -> None:
        super().__init__(model.name, world)
        self._model = model
        self._file_before: tuple[int, int] | None = None
        """The file that tells that it is ready, as an earlier run has left it."""

    def published(self, name: str) -> object:
        """`pid`, `output` or `directory`."""
        match name:
            case "pid" if self.program is not None:
                return self.program.pid
            case "output":
                self.drain()
                return str(self.output)
            case "directory":
                return str(self.directory)
            case _:
                raise UnpublishedError(f"{self.name} has not been started")

    def launch(self) -> None:
        """Start it. Raises StepErroredError when it runs already or cannot be started."""
        self.prepare_run()
        self._file_before = self._ready_file()
        self.program = Program(self.name, self._command(), self.world, self.output)

    def _command(self) -> Command:
        scope = self.world.scope
        model = self._model
        given = model.input if isinstance(model, Process) else None
        return Command(
            words=tuple(scope.text(word) for word in model.command),
            directory=self.directory,
            environment={
                **notify_environment(self),
                **{key: scope.text(value) for key, value in (model.environment or {}).items()},
            },
            limits=model.limits,
            prefix=syslog_prefix(self),
            input=None if given is None else scope.text(given),
        )

    async def ready(self, limit: Limit, *, since: Mark) -> None:
        """Wait until it is ready. Raises StepFailedError when it ends before, or takes too long."""
        ready = self._model.ready
        if ready == Ready():
            return
        lines = Reading(self.output, since)

        def is_ready() -> bool | None:
            if ready.log is not None and any(re.search(ready.log.source, line) for line in lines.new()):
                return True
            if ready.port is not None and self._listens(ready.port):
                return True
            if ready.notify and has_told_ready(self, since):
                return True
            return True if self._ready_file() not in (None, self._file_before) else None

        await until(
            self.world.timeline.pulse,
            is_ready,
            limit=limit,
            waited_for=f"readiness of {self.name}",
            dead=self.obituary,
            so_far=self.last_words,
            every=None if ready.port is None and ready.file is None else _LOOK_AGAIN,
        )

    def signal_for(self, action: Action) -> int:
        """What the scenario says that it wants, else RISER's own signal."""
        if action is Action.STOP_GRACEFUL and self._model.stop_signal is not None:
            return signal_number(self._model.stop_signal.name)
        return signal_number(RISER_SIGNALS[action])

    def is_good_end(self, ending: Ending, *, asked: int) -> bool:
        """Status 0, or the signal itself, also in the way in which shells tell it."""
        return ending in (Ending(0, None), Ending(None, signal_name(asked)), Ending(_SHELL_SIGNAL_BASE + asked, None))

    def on_process_end(self, seen: Seen) -> None:
        """Record the end of the program."""
        if self.program is None or seen is not self.program.process:
            return
        self.program.on_ended()
        index = self.world.timeline.record(self.name, What.DEATH, str(seen.ending), pid=seen.pid)
        self.note_end(index)

    def _ready_file(self) -> tuple[int, int] | None:
        """Which file it is that tells that the program is ready, and when it was written; None while there is none."""
        if self._model.ready.file is None:
            return None
        try:
            status = (self.world.workspace / self.world.scope.text(self._model.ready.file)).stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns

    def _listens(self, port: int) -> bool:
        """Whether the program, or one below it, listens on that TCP port."""
        sockets = _listening_sockets(port)
        if not sockets or self.program is None:
            return False
        return any(_holds(pid, sockets) for pid in (self.program.pid, *descendants_of(self.program.pid)))


def _listening_sockets(port: int) -> set[str]:
    """What /proc/PID/fd shows for the sockets that listen on this port."""
    found: set[str] = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(FileNotFoundError):
            for row in Path(table).read_text().splitlines()[1:]:
                _, local, _, state, *rest = row.split()
                if state == _LISTENING and int(local.rpartition(":")[2], 16) == port:
                    found.add(f"socket:[{rest[5]}]")
    return found


def _holds(pid: int, sockets: set[str]) -> bool:
    """Whether the process has one of the sockets open; one that may not be looked into is believed."""
    try:
        descriptors = list(Path(f"/proc/{pid}/fd").iterdir())
    except PermissionError:
        return True
    except FileNotFoundError:
        return False
    for descriptor in descriptors:
        # Of a process that has just gone the kernel says that it may not be looked into.
        with suppress(FileNotFoundError, PermissionError):
            if str(descriptor.readlink()) in sockets:
                return True
    return False
