"""The order of steps: what cannot work because something is not started, connected or running by then.

Only what is certain is noted: a daemon may end in many ways that no step names, so that nothing is said about what may
have ended, and everything about what cannot have begun.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.load.codes import Code
from harness.load.steps import Broken, Part
from harness.model.actors import Client, Daemon, Http, Load, Notify, Process, Syslog, Terminal
from harness.model.steps import (
    Background,
    Cancel,
    Check,
    Close,
    Closing,
    Configure,
    Connect,
    Connected,
    Event,
    Events,
    Eventually,
    Exit,
    Expect,
    Launch,
    Log,
    Never,
    Notified,
    Request,
    Resize,
    Response,
    Send,
    Signal,
    Start,
    Stop,
    Talk,
    Throughout,
    Tree,
    Wait,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.load.notes import Notes
    from harness.model.actors import Actor
    from harness.model.steps import Step
    from harness.model.values import Name


def check_order(actors: Sequence[Part[Actor]], steps: Sequence[Part[Step]], notes: Notes) -> None:
    """Note every step whose subject cannot be in the state that the step needs."""
    order = _Order(actors, notes)
    for part in steps:
        if isinstance(part.value, Broken):
            order.believe(part.value)
        else:
            order.take(part.value)


class _Order:
    def __init__(self, actors: Sequence[Part[Actor]], notes: Notes) -> None:
        self._actors = {part.value.name: part.value for part in actors if not isinstance(part.value, Broken)}
        self._notes = notes
        self._started: set[str] = set()
        self._connected: set[str] = set()
        self._half_closed: set[str] = set()
        self._loads: set[str] = set()
        self._requested: set[str] = set()
        self._hung_up: set[str] = set()

    def believe(self, step: Broken) -> None:
        """Take everything that a broken step speaks of as begun."""
        self._started |= step.words
        self._connected |= step.words
        self._half_closed -= step.words
        self._hung_up -= step.words
        self._loads |= step.words
        self._requested |= step.words

    def take(self, step: Step) -> None:  # noqa: C901 - the table of the verbs
        """Check one step, and remember what it does."""
        match step:
            case Start(of=of) | Launch(of=of):
                self._started.add(of.path[0])
                self._hung_up.discard(of.path[0])
            case (
                Exit(of=of) | Stop(of=of) | Log(of=of) | Signal(to=of)
                | Event(of=of) | Events(of=of) | Notified(of=of) | Tree(of=of) | Configure(of=of)
            ):  # fmt: skip
                self._need_started(of)
            case Eventually(of=of) if of is not None:
                self._need_started(of)
                self._need_load(of)
            case Never(of=of) | Throughout(of=of):
                self._need_started(of)
                self._need_load(of)
            case Connect():
                self._connect(step)
            case Close():
                self._close(step)
            case Send(of=of) | Talk(of=of):
                self._need_connected(of)
                self._need_open(of)
            case Expect(of=of) | Resize(of=of):
                self._need_connected(of)
            case Request(of=of):
                self._need_connected(of)
                self._need_open(of)
                self._requested.add(of.path[0])
            case Response(of=of):
                self._need_requested(of)
            case Background(of=of):
                self._need_target(of)
                self._loads.add(of.path[0])
            case Wait(of=of) | Cancel(of=of) | Check(of=of):
                self._need_load(of)
            case _:
                pass

    def _connect(self, step: Connect) -> None:
        name = step.of.path[0]
        if step.expect is Connected.ACCEPTED:
            self._need_target(step.of)
            self._connected.add(name)
            self._half_closed.discard(name)

    def _close(self, step: Close) -> None:
        self._need_connected(step.of)
        if step.how is Closing.WRITE:
            self._need_open(step.of)
            self._half_closed.add(step.of.path[0])
        else:
            self._connected.discard(step.of.path[0])
            self._hung_up.add(step.of.path[0])

    def _need_started(self, of: Name) -> None:
        name = of.path[0]
        actor = self._actors.get(name)
        if isinstance(actor, Syslog | Notify):
            # Before its daemon has begun, nothing has come.
            name = str(actor.of)
            actor = self._actors.get(name)
        if isinstance(actor, Daemon | Process | Terminal) and name not in self._started:
            message = f"`{name}` is not started by then"
            self._notes.add(of.location, Code.NOT_STARTED, message, f"`- start: {name}` before this step starts it")
            self._started.add(name)

    def _need_target(self, of: Name) -> None:
        actor = self._actors.get(of.path[0])
        if not isinstance(actor, Client | Load):
            return
        target = str(actor.to)
        if isinstance(self._actors.get(target), Daemon) and target not in self._started:
            message = f"`{target}`, which `{actor.name}` speaks to, is not started by then"
            self._notes.add(of.location, Code.NOT_STARTED, message, f"`- start: {target}` before this step starts it")
            self._started.add(target)

    def _need_requested(self, of: Name) -> None:
        name = of.path[0]
        if isinstance(self._actors.get(name), Http) and name not in self._requested:
            hint = f"`- request: {name}` with `wait: false` before this step sends one"
            self._notes.add(of.location, Code.NOT_RUNNING, f"`{name}` has sent no request by then", hint)
            self._requested.add(name)

    def _client_of(self, of: Name) -> str:
        """The client or terminal of that name, or the client that an http of that name uses."""
        actor = self._actors.get(of.path[0])
        return actor.of.path[0] if isinstance(actor, Http) else of.path[0]

    def _need_connected(self, of: Name) -> None:
        name = self._client_of(of)
        if isinstance(self._actors.get(name), Terminal):
            self._need_started(of)
            if name in self._hung_up:
                self._notes.add(of.location, Code.NOT_CONNECTED, f"`{name}` is hung up by then")
        elif isinstance(self._actors.get(name), Client) and name not in self._connected:
            hint = f"`- connect: {name}` before this step connects it"
            self._notes.add(of.location, Code.NOT_CONNECTED, f"`{name}` is not connected by then", hint)
            self._connected.add(name)

    def _need_open(self, of: Name) -> None:
        name = self._client_of(of)
        if name in self._half_closed:
            message = f"`{name}` has closed its sending half by then"
            self._notes.add(of.location, Code.NOT_CONNECTED, message)

    def _need_load(self, of: Name) -> None:
        name = of.path[0]
        if isinstance(self._actors.get(name), Load) and name not in self._loads:
            hint = f"`- background: {name}` before this step starts it"
            self._notes.add(of.location, Code.NOT_RUNNING, f"the load `{name}` is not running by then", hint)
            self._loads.add(name)
