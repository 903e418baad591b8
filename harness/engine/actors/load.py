"""A load: many clients at once, each doing one operation after another, and a tally of what came of them.

    background -> Caller, Caller, ... -> Tally           -> check
                                      -> failures        -> timeline
                                      -> now and then    -> pulse -> eventually, wait, cancel

Operations that succeed are counted and not recorded, and they wake waiters at most every few milliseconds: a load must
not drown the timeline, nor slow itself down by telling.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.engine.actors.caller import Answer, Caller
from harness.engine.actors.connection import resolve
from harness.engine.actors.lines import LONGEST_LINE
from harness.engine.actors.response import MalformedResponseError, read_response
from harness.engine.actors.secure import Security, security_of
from harness.engine.actors.tally import Cause, FailedOperation, Tally
from harness.engine.endpoints import TcpEndpoint
from harness.engine.lookup import UnpublishedError
from harness.engine.match import check
from harness.engine.shown import show_text
from harness.engine.verdicts import StepErroredError, StepFailedError
from harness.engine.waits import Limit
from harness.model.actors import Connections
from harness.model.fields import Kind
from harness.model.matchers import Equals
from harness.model.timeline import What
from harness.model.values import Reference, Text

if TYPE_CHECKING:
    import socket

    from harness.engine.actors.connection import SocketAddress
    from harness.engine.endpoints import Endpoint
    from harness.engine.world import World
    from harness.model.actors import Load

_RECORDED_FAILURES = 100
_BEAT_EVERY = 0.005
"""Seconds between two wake-ups of those who wait for a number of operations."""
_LOOKS_PER_LIMIT = 50
"""How many times within the time limit of an operation the limits are checked."""
_SHORTEST_LOOK = 0.01
_NUMBER = ("n",)
_OK = 200
_LONGEST_RESPONSE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Template:
    """A line with the operation's number left open: the pieces before, between and after."""

    pieces: tuple[bytes, ...]

    def line(self, number: int) -> bytes:
        """The line of that operation, without its newline."""
        return str(number).encode().join(self.pieces)


def pid_in(line: bytes) -> int | None:
    """The number that an answer `ok PID` gives, None for any other."""
    word = line.removeprefix(b"ok ")
    return int(word) if word is not line and word.isdigit() else None


def _too_long(what: str, limit: int, came: bytes) -> Answer:
    said = show_text(came.decode(errors="backslashreplace"))
    return Answer(b"", b"", problem=f"a {what} of more than {limit // 1024} KiB, {said}")


class LoadActor:
    """The running half of a `load`; every `background` is a run of its own, with a new tally."""

    kind = Kind.LOAD

    def __init__(self, model: Load, world: World) -> None:
        self.name = model.name
        self.tally = Tally()
        """Of the last run."""
        self.began_at: float | None = None
        """When the last run began, in seconds on the timeline."""
        self.ended_at: float | None = None
        """When its last operation ended; None while it runs."""
        self._model = model
        self._world = world
        self._security: Security | None = None
        self._callers: list[Caller] = []
        self._running = 0
        self._number = 0
        self._last_number: int | None = None
        self._request = Template(())
        self._answer: Template | None = None
        """What every answer is to be equal to; None where another matcher has to look at it."""
        self._limit = Limit(model.within.seconds, world.settings.time_scale)
        self._beat: asyncio.TimerHandle | None = None
        self._look: asyncio.TimerHandle | None = None

    @property
    def keeps_connections(self) -> bool:
        """Whether an operation leaves its connection to the next one."""
        return self._model.connections is Connections.KEPT

    @property
    def pause(self) -> float:
        """Seconds between two operations of one client."""
        return self._model.pause.seconds

    @property
    def security(self) -> Security | None:
        """How its clients speak TLS, if they do; of the last run."""
        return self._security

    @property
    def is_running(self) -> bool:
        """Whether it has begun and has not ended."""
        return self.began_at is not None and self.ended_at is None

    @property
    def ends_by_itself(self) -> bool:
        """Whether it has a number of operations to do, and ends after them."""
        return self._model.operations is not None

    @property
    def looks_for_pids(self) -> bool:
        """Whether its answers may tell who has answered: `ok PID`, and not a text that is known before."""
        return not isinstance(self._model.expect, Equals)

    def published(self, name: str) -> object:
        """`done` and `failed`, the numbers of operations up to now; `served_by`, the pids in their answers."""
        match name:
            case "done":
                return self.tally.done
            case "failed":
                return self.tally.failed
            case "served_by":
                return self.tally.servers
            case _:
                raise UnpublishedError(f"a load has no {name}")

    def start(self) -> None:
        """Begin a run.

        Raises StepErroredError while one goes on and for TLS settings of no use, StepFailedError when there is no
        address.
        """
        if self.is_running:
            raise StepErroredError(f"{self.name} runs already")
        endpoint = self._world.endpoint(self._model.to)
        if (tls := self._model.tls) is not None:
            scope, workspace = self._world.scope, self._world.workspace
            self._security = security_of(self.name, tls, endpoint, scope=scope, workspace=workspace)
        self._request = self._request_for(endpoint)
        expect = self._model.expect
        self._answer = self._template(expect.operand.text) if isinstance(expect, Equals) else None
        self.tally = Tally()
        self._number = 0
        self._last_number = self._model.operations
        timeline = self._world.timeline
        timeline.record(self.name, What.NOTE, f"{self._model.clients} clients begin, to {endpoint}")
        self.began_at, self.ended_at = timeline.now(), None
        self._callers = [Caller(index, self) for index in range(1, self._model.clients + 1)]
        self._running = len(self._callers)
        self._look_at_limits()
        for caller in self._callers:
            caller.begin()

    def cancel(self) -> None:
        """Begin no more operations; those under way are finished."""
        self._last_number = self._number
        for caller in self._callers:
            caller.cancel()

    async def release(self) -> None:
        """Break off whatever is under way."""
        for caller in self._callers:
            caller.release()
        self._callers = []
        self._running = 0
        self._stop_timers()
        if self.is_running:
            self.ended_at = self._world.timeline.now()

    def now(self) -> float:
        """The time on the timeline."""
        return self._world.timeline.now()

    def next_number(self) -> int | None:
        """The number of the next operation; None when there is to be no more."""
        if self._number == self._last_number:
            return None
        self._number += 1
        return self._number

    def request(self, number: int) -> bytes:
        """What the operation sends."""
        return self._request.line(number) + b"\n"

    def answer_in(self, got: bytes, *, is_over: bool) -> Answer | None:
        """The answer at the beginning of what has come; None while it is not whole."""
        if self._model.get is None:
            line, newline, rest = got.partition(b"\n")
            if not newline and len(line) > LONGEST_LINE:
                return _too_long("line", LONGEST_LINE, line)
            return Answer(line, rest) if newline else None
        try:
            found = read_response(got, method="GET", version="1.1", is_over=is_over)
        except MalformedResponseError as error:
            return Answer(b"", b"", problem=f"got what is no HTTP response: {error}")
        if found is None:
            return _too_long("response", _LONGEST_RESPONSE, got) if len(got) > _LONGEST_RESPONSE else None
        problem = None
        if found.status != _OK:
            problem = f"got status {found.status}, expected {_OK}; the body is {show_text(found.text)}"
        return Answer(found.body, got[found.size :], found.is_kept, problem)

    def judge(self, number: int, line: bytes) -> str | None:
        """What is wrong with the line that answers the operation; None if nothing is."""
        if self._answer is not None and line == self._answer.line(number):
            return None
        scope = self._world.scope.with_names({"n": number})
        return check(self._model.expect, line.decode(errors="backslashreplace"), scope)

    def address(self) -> tuple[socket.AddressFamily, SocketAddress]:
        """Where to connect now: a daemon may have moved since the last operation."""
        try:
            return resolve(self._world.endpoint(self._model.to))
        except (StepFailedError, StepErroredError) as missing:
            raise LookupError(missing.message) from missing

    def succeeded(self, began: float, line: bytes) -> int | None:
        """Count an operation that has got its answer, now; gives the process that answered, where the line tells."""
        server = pid_in(line) if self.looks_for_pids else None
        self.tally.succeed(began, self._world.timeline.now(), server=server)
        self._beat_soon()
        return server

    def failed(self, caller: int, number: int, *, began: float, cause: Cause, detail: str, server: int | None) -> None:
        """Count and record an operation that has failed, now."""
        failure = FailedOperation(caller, number, began, self._world.timeline.now(), cause, detail, server)
        self.tally.fail(replace(failure, moment=self._record(failure)))

    def finished(self) -> None:
        """A client has no more to do."""
        self._running -= 1
        if self._running:
            return
        self._callers = []
        self._stop_timers()
        self.ended_at = self._world.timeline.now()
        text = f"ended: {self.tally.done} operations, {self.tally.failed} failed"
        self._world.timeline.record(self.name, What.NOTE, text)

    def _record(self, failure: FailedOperation) -> int | None:
        timeline = self._world.timeline
        if self.tally.failed < _RECORDED_FAILURES:
            text = f"operation {failure.number}: {failure.reason}"
            return timeline.record(f"{self.name}#{failure.client}", What.OPERATION, text)
        if self.tally.failed == _RECORDED_FAILURES:
            timeline.record(self.name, What.NOTE, f"more than {_RECORDED_FAILURES} failures: the rest is only counted")
        self._beat_soon()
        return None

    def _request_for(self, endpoint: Endpoint) -> Template:
        model = self._model
        if model.get is None:
            assert model.send is not None, "the loader has made sure that there is one of them"
            return self._template(model.send)
        host = str(endpoint) if isinstance(endpoint, TcpEndpoint) else "localhost"
        # The newline that ends every request is that of the empty line here.
        head = f" HTTP/1.1\r\nHost: {host}\r\n" + ("" if self.keeps_connections else "Connection: close\r\n") + "\r"
        first, *between = self._template(model.get).pieces
        pieces = [b"GET " + first, *between]
        pieces[-1] += head.encode()
        return Template(tuple(pieces))

    def _template(self, text: Text) -> Template:
        pieces = [""]
        for part in text.parts:
            if isinstance(part, Reference) and part.path == _NUMBER:
                pieces.append("")
            else:
                pieces[-1] += self._world.scope.text(Text((part,), text.location))
        return Template(tuple(piece.encode() for piece in pieces))

    def _look_at_limits(self) -> None:
        for caller in self._callers:
            caller.check_limit(self._limit.seconds)
        every = max(_SHORTEST_LOOK, self._limit.seconds / _LOOKS_PER_LIMIT)
        self._look = asyncio.get_running_loop().call_later(every, self._look_at_limits)

    def _beat_soon(self) -> None:
        if self._beat is None:
            self._beat = asyncio.get_running_loop().call_later(_BEAT_EVERY, self._on_beat)

    def _on_beat(self) -> None:
        self._beat = None
        self._world.timeline.pulse.beat()

    def _stop_timers(self) -> None:
        for timer in (self._beat, self._look):
            if timer is not None:
                timer.cancel()
        self._beat = self._look = None
