"""The implementation under test: started through its manifest, watched through its events.

    CONFIG.json  -->  `command CONFIG.json`  --events FIFO-->  Report  -->  timeline (What.EVENT), Generations
                                             --output pipe-->  Output  -->  timeline (What.LOG)
                                             --pidfd------->   Ending  -->  timeline (What.DEATH)

When a process ends, what it has written is taken in first, then its death is recorded: an event that was sent before a
death is never seen after it.

With `daemonize: true` the command returns and the daemon is the parent of the first server; it is the harness's child
by then, which adopts orphans, so its exit status is known all the same.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from harness.engine.actors.configuration import (
    changed_configuration,
    first_configuration,
    listen_address,
    process_num,
    write_configuration,
)
from harness.engine.actors.generations import Generation, Generations
from harness.engine.actors.inherited import InheritedSocket
from harness.engine.actors.notify import notify_environment
from harness.engine.actors.program import Command, Program
from harness.engine.actors.reports import Fifo, MalformedReportError, Report, describe_report, parse_report
from harness.engine.actors.started import StartedActor
from harness.engine.actors.syslog import syslog_prefix
from harness.engine.endpoints import Endpoint, TcpEndpoint, UnixEndpoint, parse_endpoint
from harness.engine.lookup import UnpublishedError
from harness.engine.observe import Ending, Seen, cookie_of, descendants_of, is_alive, signal_number
from harness.engine.shown import show_text
from harness.engine.verdicts import StepErroredError, StepUnsupportedError
from harness.engine.waits import Limit, until
from harness.model.actors import Daemon, Mode
from harness.model.fields import Kind
from harness.model.manifest import Action, Profile
from harness.model.timeline import What

if TYPE_CHECKING:
    from harness.engine.timeline import Mark
    from harness.engine.world import World
    from harness.model.steps import Configure
    from harness.model.values import Plain

_NOT_IMPLEMENTED = 127
"""The exit status by which a testee says that it does not implement what it was asked for."""


class DaemonActor(StartedActor):
    """A daemon, or a bare server where the scenario does not need a daemon."""

    kind = Kind.DAEMON

    def __init__(self, model: Daemon, world: World) -> None:
        super().__init__(model.name, world)
        self._model = model
        default_mode = Mode.DAEMON if Profile.DAEMON in world.scenario.needs else Mode.SERVER
        self._mode = model.mode or default_mode
        self._configuration: dict[str, Plain] | None = None
        self._fifo: Fifo | None = None
        self._inherited: InheritedSocket | None = None
        self._daemonized: Seen | None = None
        self._pids: set[int] = set()
        self.reports: list[Report] = []
        """All events, of all runs."""
        self.taken: set[int] = set()
        """Indexes of the events that a step has waited for, so that no other step takes them for its own."""
        self.generations = Generations()
        """The servers of the last run."""
        self.served_from: list[tuple[Mark, int]] = []
        """From when on each server has served, over all runs."""
        self.addresses: set[str] = set()
        """Every address that it has reported, or was given, in the last run."""
        self.abandoned: set[str] = set()
        """The addresses of runs that were killed before they could remove their socket files."""

    @property
    def target(self) -> Seen | None:
        """The daemon; with `daemonize: true` the launching command until the daemon is known."""
        return self._daemonized or super().target

    @property
    def ending(self) -> Ending | None:
        """How the daemon ended. A launching command that returned 0 is not the daemon's end."""
        program = super().target
        launched = None if program is None else program.ending
        if not self.is_daemonizing:
            return launched
        if self._daemonized is None:
            return launched if launched != Ending(0, None) else None
        if self._daemonized.ending == Ending(None, None) and launched not in (None, Ending(0, None)):
            return launched
        return self._daemonized.ending

    @property
    def is_daemonizing(self) -> bool:
        """Whether the daemon is to leave the process that was started."""
        return self._mode is Mode.DAEMON and self._parameter("daemonize") is True

    @property
    def status_file(self) -> str | None:
        """The path of its status file, if it was given one."""
        path = self._parameter("status_file")
        return path if isinstance(path, str) else None

    @property
    def serving(self) -> Generation | None:
        """The generation that serves now: the newest that is complete and whose server lives."""
        for generation in reversed(self.generations.all):
            if generation.is_complete and is_alive(generation.server):
                return generation
        return None

    @property
    def server(self) -> int | None:
        """The server that serves now, which may be over at the next look; None while there is none."""
        serving = self.serving
        return None if serving is None else serving.server

    @property
    def children(self) -> list[int]:
        """The living children that serve for the server that serves now."""
        serving = self.serving
        return [] if serving is None else [pid for pid in serving.children if is_alive(pid)]

    def processes(self) -> list[int]:
        """Every living process of the actor, whether it has reported anything or not."""
        known = {pid for pid in self._pids if _is_known(self.world, pid)}
        below = {pid for root in known for pid in descendants_of(root)}
        marked = {pid for pid in self.world.find_living() if (cookie_of(pid) or "").endswith(f":{self.name}")}
        return sorted(pid for pid in known | below | marked if is_alive(pid))

    def published(self, name: str) -> object:  # noqa: C901 - a table of the fields
        """The fields that `harness.model.actors.Daemon` names."""
        match name:
            case "address":
                return self._address()
            case "host" | "port":
                endpoint = self._endpoint()
                if not isinstance(endpoint, TcpEndpoint):
                    raise UnpublishedError(f"{self.name} listens on a Unix socket")
                return endpoint.host if name == "host" else endpoint.port
            case "path":
                endpoint = self._endpoint()
                if not isinstance(endpoint, UnixEndpoint):
                    raise UnpublishedError(f"{self.name} listens on TCP")
                return endpoint.path
            case "pid":
                if self.target is None:
                    raise UnpublishedError(f"{self.name} has not been started")
                return self.target.pid
            case "launcher":
                if self.program is None:
                    raise UnpublishedError(f"{self.name} has not been started")
                return self.program.pid
            case "server":
                if (server := self.server) is None:
                    raise UnpublishedError(f"no server of {self.name} serves now")
                return server
            case "children":
                return self.children
            case "status_file":
                if self.status_file is None:
                    raise UnpublishedError(f"{self.name} was given no status_file")
                return self.status_file
            case "directory":
                return str(self.directory)
            case "config":
                return str(self._path("json"))
            case "output":
                self.drain()
                return str(self.output)
            case "inherited":
                inherited = self._inherited_socket()
                if inherited is None:
                    raise UnpublishedError(f"{self.name} inherits no socket")
                return str(inherited.endpoint)
            case _:
                raise UnpublishedError(f"a daemon has no {name}")

    def launch(self) -> None:
        """Write the configuration and start the testee.

        Raises StepErroredError when it runs already, when the manifest's command cannot be started, and while something
        that the configuration refers to is not there.
        """
        self.prepare_run()
        if self._fifo is None:
            self._fifo = Fifo(self._path("fifo"), self._on_line, open_to_others=self._is_open_to_others)
        self._daemonized = None
        self.generations = Generations()
        self.addresses = set()
        write_configuration(self._path("json"), self._configured())
        scope = self.world.scope
        command = Command(
            words=(*self.world.manifest.command, str(self._path("json"))),
            directory=self.directory,
            environment={
                **notify_environment(self),
                **{key: scope.text(value) for key, value in (self._model.environment or {}).items()},
            },
            limits=self._model.limits,
            inherits=self._inherited_socket(),
            prefix=syslog_prefix(self),
        )
        self.program = Program(self.name, command, self.world, self.output)
        self._pids.add(self.program.pid)

    def configure(self, step: Configure) -> None:
        """Rewrite the configuration, which the testee reads at its next server start."""
        socket = self._path("sock")
        self._configuration = changed_configuration(self._configured(), step, self.world.scope, socket=socket)
        write_configuration(self._path("json"), self._configuration)

    async def ready(self, limit: Limit, *, since: Mark) -> None:  # noqa: ARG002 - generations begin anew with each run
        """Wait until a server serves, with as many processes as it was asked for."""
        await until(
            self.world.timeline.pulse,
            lambda: self.serving,
            limit=limit,
            waited_for=f"readiness of {self.name}",
            dead=self.obituary,
            so_far=self._progress,
        )
        if self.is_daemonizing:
            await until(
                self.world.timeline.pulse,
                lambda: None if self.program is None else self.program.process.ending,
                limit=limit,
                waited_for=f"return of the command that starts {self.name}",
                dead=self.obituary,
            )

    def obituary(self) -> str | None:
        """A clause that says that, and how, it has ended; None while it runs."""
        death = super().obituary()
        if death is None and self.is_daemonizing and self._daemonized is None:
            launched = super().target
            if launched is not None and launched.has_ended and not self._may_live():
                return f"the command that starts {self.name} returned 0, but left no process behind"
        return death

    def signal_for(self, action: Action) -> int:
        """The manifest's signal for it, or the one that the scenario has given the daemon for it in its parameters."""
        configured = self._parameter(f"signal_{action}") if self._mode is Mode.DAEMON else None
        if isinstance(configured, str):
            return signal_number(configured)
        return signal_number(self.world.manifest.signals[action])

    def is_good_end(self, ending: Ending, *, asked: int) -> bool:  # noqa: ARG002 - a daemon's end does not depend on it
        """Status 0."""
        return ending == Ending(0, None)

    def drain(self) -> None:
        """Take in all events and output up to now."""
        if self._fifo is not None:
            self._fifo.drain()
        super().drain()

    def on_process_end(self, seen: Seen) -> None:
        """Record the end of the daemon, of a server or of a child, after all that they have said."""
        if seen.pid not in self._pids:
            return
        self.drain()
        program = super().target
        if self.program is not None and seen is program:
            self.program.on_ended()
        index = self.world.timeline.record(self.name, What.DEATH, f"{self._role(seen)} {seen.ending}", pid=seen.pid)
        if self.ending is not None and self.ended_at is None:
            self.note_end(index)
            self._on_end(self.ending)
        if seen is program and seen.ending == Ending(_NOT_IMPLEMENTED, None):
            words = self.last_words()
            reason = f"{self.name} exited {_NOT_IMPLEMENTED}: it does not implement this"
            self.world.timeline.pulse.stop(StepUnsupportedError(reason + (f"; {words}" if words else "")))

    async def release(self) -> None:
        """Stop listening to it."""
        await super().release()
        if self._fifo is not None:
            self._fifo.release()
        if self._inherited is not None:
            self._inherited.close()

    def _inherited_socket(self) -> InheritedSocket | None:
        """The socket that it is given, opened when it is first asked for."""
        if self._inherited is None and self._model.inherits is not None:
            path = self.world.workspace / f"{self.name}.inherited"
            address = listen_address(self._model.inherits, self.world.scope, self._model.location, socket=path)
            try:
                endpoint = parse_endpoint(str(address))
            except ValueError as error:
                raise StepErroredError(str(error)) from error
            self._inherited = InheritedSocket.open(endpoint)
        return self._inherited

    def _may_live(self) -> bool:
        """Whether a daemon that nobody has heard of yet may be among the item's processes: it may hide its cookie.

        That takes one look: between two, a process that hands over to another could be missed by both.
        """
        cookies = [cookie_of(pid) for pid in self.world.find_living()]
        return any(cookie is None or cookie.endswith(f":{self.name}") for cookie in cookies)

    def _on_end(self, ending: Ending) -> None:
        configured = self._parameter("listen_address")
        addresses = self.addresses | ({configured} if isinstance(configured, str) else set())
        # A daemon outlives its servers and cleans up after them, whatever its status; a bare server has only itself.
        if ending.signal is None and (self._mode is Mode.DAEMON or ending.status == 0):
            self.abandoned -= addresses
        else:
            self.abandoned |= addresses

    @property
    def _is_open_to_others(self) -> bool:
        return Profile.PRIVILEGES in self.world.scenario.needs

    def _path(self, suffix: str) -> Path:
        return self.world.workspace / f"{self.name}.{suffix}"

    def _configured(self) -> dict[str, Plain]:
        if self._configuration is None:
            self._configuration = first_configuration(
                self._model, self.world.scope, mode=self._mode, events=self._path("fifo"), socket=self._path("sock")
            )
        return self._configuration

    def _parameter(self, name: str) -> Plain:
        parameters = None if self._configuration is None else self._configuration["daemon"]
        return parameters.get(name) if isinstance(parameters, dict) else None

    def _address(self) -> str:
        generation = self.serving or self.generations.newest
        if generation is not None:
            return generation.address
        # Where no server has started, an address that the scenario fixed is still where one would be.
        configured = self._parameter("listen_address")
        if isinstance(configured, str):
            with suppress(ValueError):
                endpoint = parse_endpoint(configured)
                if isinstance(endpoint, UnixEndpoint) or endpoint.port:
                    return configured
        raise UnpublishedError(f"{self.name} has reported no before_start with its address")

    def _endpoint(self) -> Endpoint:
        return parse_endpoint(self._address())

    def _on_line(self, line: bytes) -> None:
        try:
            name, pid, fields = parse_report(line)
            seen = self.world.census.see(pid)
            if seen is None:
                raise MalformedReportError(f"process {pid} is none that it started")  # noqa: TRY301 - one way to complain
            self._on_report(name, seen, fields)
        except MalformedReportError as error:
            said = show_text(line.decode(errors="backslashreplace"))
            text = f"the adapter of {self.world.manifest.name} wrote a wrong line into the events FIFO: {error}: {said}"
            index = self.world.timeline.record(self.name, What.NOTE, text)
            self.world.timeline.pulse.stop(StepErroredError(text, moment=index))

    def _on_report(self, name: str, seen: Seen, fields: dict[str, object]) -> None:
        self._pids.add(seen.pid)
        address = _address_of(fields) if name == "before_start" else ""
        index = self.world.timeline.record(self.name, What.EVENT, describe_report(name, fields), pid=seen.pid)
        self.reports.append(Report(self.world.timeline.mark_of(index), name, seen.pid, fields))
        if name == "before_start":
            self._on_before_start(seen, address)
        elif name == "preprocess":
            self.generations.preprocess(seen.pid, parent=seen.parent)
            serving = self.serving
            if serving is not None and (not self.served_from or self.served_from[-1][1] != serving.server):
                self.served_from.append((self.world.timeline.mark_of(index), serving.server))

    def _on_before_start(self, seen: Seen, address: str) -> None:
        self.addresses.add(address)
        processes = process_num(self._configured())
        self.generations.before_start(seen.pid, parent=seen.parent, address=address, processes=processes)
        if self.is_daemonizing and self._daemonized is None:
            daemon = seen.parent or self._pid_in_status_file()
            self._daemonized = None if daemon is None else self.world.census.see(daemon)
            if self._daemonized is not None:
                self._pids.add(self._daemonized.pid)

    def _pid_in_status_file(self) -> int | None:
        if self.status_file is None:
            return None
        with suppress(OSError):
            number = re.search(r"\d+", Path(self.directory, self.status_file).read_text(errors="replace"))
            return None if number is None else int(number[0])
        return None

    def _role(self, seen: Seen) -> str:
        if seen is self._daemonized:
            return "daemon"
        if seen is super().target:
            return "launching command" if self.is_daemonizing else self._mode.value
        return "server" if any(seen.pid == generation.server for generation in self.generations.all) else "child"

    def _progress(self) -> str:
        newest = self.generations.newest
        if newest is None:
            said = "it has reported no before_start"
        else:
            said = f"{len(newest.serving)} of {newest.wanted} processes have reported preprocess"
        words = self.last_words()
        return f"{said}; {words}" if words else said


def _address_of(fields: dict[str, object]) -> str:
    address = fields.get("address")
    if not isinstance(address, str):
        raise MalformedReportError('before_start has no "address" that is a text')
    try:
        parse_endpoint(address)
    except ValueError as error:
        raise MalformedReportError(str(error)) from None
    return address


def _is_known(world: World, pid: int) -> bool:
    seen = world.census.known(pid)
    return seen is not None and not seen.has_ended
