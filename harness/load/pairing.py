"""Steps and their actors: what a step asks of an actor that this actor cannot do, though its kind could."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.load.codes import Code
from harness.load.notes import listed
from harness.load.steps import Broken, Part
from harness.model.actors import (
    Actor,
    Client,
    Daemon,
    Listen,
    Load,
    Mode,
    Notify,
    Process,
    Proxy,
    Ready,
    Syslog,
    Terminal,
)
from harness.model.manifest import Profile
from harness.model.steps import (
    Close,
    Closing,
    Connect,
    Connected,
    Direction,
    Disturbance,
    End,
    Event,
    Events,
    Eventually,
    Expect,
    Fault,
    Lasting,
    Never,
    Send,
    Step,
    Throughout,
    Wait,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.load.notes import Notes

_ALWAYS_RECORDED = ("before_start", "preprocess")
"""A daemon counts as ready by these, whatever else is recorded."""

_FAULTS_OF_SYSLOG = (Disturbance.PAUSE, Disturbance.GONE, Disturbance.RESUME)

_CONDITIONS: dict[str, tuple[type[Actor], ...]] = {
    "done": (Load,),
    "failed": (Load,),
    "log": (Daemon, Process, Terminal, Syslog),
    "children": (Daemon,),
    "server": (Daemon,),
}
"""What `eventually` can wait for, and of which actors."""

_ABSENCES: dict[str, tuple[type[Actor], ...]] = {
    "log": (Daemon, Process, Terminal, Syslog),
    "event": (Daemon,),
    "failure": (Load,),
}
"""What `never` can look for, and of which actors."""


def check_pairs(
    actors: Sequence[Part[Actor]], steps: Sequence[Part[Step]], notes: Notes, *, needs: Iterable[Profile]
) -> None:
    """Note every step that its actor cannot take, and parameters of a daemon that is none."""
    has_daemon = Profile.DAEMON in needs
    whole: dict[str, Actor] = {}
    for actor in actors:
        if not isinstance(actor.value, Broken):
            whole[actor.value.name] = actor.value
        match actor.value:
            case Daemon(mode=mode) as daemon if mode is Mode.SERVER or (mode is None and not has_daemon):
                _check_bare_server(actor, daemon, notes)
            case _:
                pass
    told = {str(actor.of) for actor in whole.values() if isinstance(actor, Notify)}
    for actor in actors:
        match actor.value:
            case Process(name=name, ready=Ready(notify=True)) | Terminal(name=name, ready=Ready(notify=True)) if (
                name not in told
            ):
                hint = f"`manager: {{notify: {name}}}` under `actors` is one"
                notes.add(actor.place("notify"), Code.NEVER_TRUE, f"no `notify` actor listens to `{name}`", hint)
            case _:
                pass
    for step in steps:
        _check_step(step, whole, notes)


def _check_step(part: Part[Step], actors: Mapping[str, Actor], notes: Notes) -> None:
    match part.value:
        case Event(of=of, name=name):
            _check_recorded(part, actors.get(of.path[0]), {"name": [name]}, notes)
        case Events(of=of, name=name, order=order):
            asked = {"name": [] if name is None else [name], "order": order or ()}
            _check_recorded(part, actors.get(of.path[0]), asked, notes)
        case Eventually(of=of) as eventually if of is not None:
            _check_conditions(part, eventually, actors.get(of.path[0]), notes)
        case Never(of=of) as never:
            _check_absence(part, never, actors.get(of.path[0]), notes)
        case Throughout(of=of) as throughout:
            _check_lasting(part, throughout, actors.get(of.path[0]), notes)
        case Connect(of=of, expect=Connected.REJECTED):
            _check_tls(part, actors.get(of.path[0]), "expect", notes)
        case Send() | Expect() | Close() as step:
            _check_talk(part, step, actors.get(step.of.path[0]), notes)
        case Wait(of=of):
            _check_end(part, actors.get(of.path[0]), notes)
        case Fault(of=of) as fault:
            _check_fault(part, fault, actors.get(of.path[0]), notes)
        case _:
            pass


def _check_bare_server(part: Part[Actor], server: Daemon, notes: Notes) -> None:
    of_daemons = {
        "parameters": (server.parameters, "`parameters` are a daemon's"),
        "inherits": (server.inherits, "only a daemon `inherits`"),
    }
    for key, (value, message) in of_daemons.items():
        if value is not None:
            hint = "`needs: [daemon]` at the top, or `mode: daemon` here"
            notes.add(part.place(key), Code.NO_EFFECT, f"{message}, and this runs a bare server", hint)


def _check_recorded(part: Part[Step], daemon: Actor | None, asked: dict[str, Sequence[str]], notes: Notes) -> None:
    if not isinstance(daemon, Daemon) or daemon.record is None:
        return
    for key, names in asked.items():
        for name in names:
            if name not in daemon.record and name not in _ALWAYS_RECORDED:
                message = f"`{name}` is not among the callbacks that `{daemon.name}` is to `record`, so it never comes"
                notes.add(part.place(key), Code.NEVER_TRUE, message)


def _check_conditions(part: Part[Step], step: Eventually, actor: Actor | None, notes: Notes) -> None:
    given = {
        "done": step.done,
        "failed": step.failed,
        "log": step.log,
        "children": step.children,
        "server": step.server,
    }
    _check_kinds(part, given, _CONDITIONS, actor, notes)


def _check_kinds(
    part: Part[Step],
    given: Mapping[str, object],
    conditions: Mapping[str, tuple[type[Actor], ...]],
    actor: Actor | None,
    notes: Notes,
) -> None:
    """Note what is asked of an actor that is asked of actors of other kinds alone."""
    if actor is None:
        return
    for key, kinds in conditions.items():
        if given[key] is not None and not isinstance(actor, kinds):
            nouns = " or ".join(f"a {kind.kind}" for kind in kinds)
            message = f"`{key}` goes with {nouns}, and `{actor.name}` is a {actor.kind}"
            notes.add(part.place(key), Code.WRONG_KIND, message)


def _check_fault(part: Part[Step], step: Fault, actor: Actor | None, notes: Notes) -> None:
    match actor:
        case Syslog() if step.do not in _FAULTS_OF_SYSLOG:
            message = f"`{step.do}` is a fault of a proxy, and `{actor.name}` is a syslog"
            notes.add(part.place("do"), Code.WRONG_KIND, message, f"a syslog knows {listed(_FAULTS_OF_SYSLOG, 'and')}")
        case Syslog() if step.direction is not Direction.BOTH or step.after:
            key = "after" if step.after else "direction"
            notes.add(part.place(key), Code.NO_EFFECT, f"`{key}` is about the bytes of a proxy")
        case Proxy(listen=Listen.UNIX) if step.do is Disturbance.RESET:
            message = f"`{actor.name}` listens on a Unix socket, which knows no reset"
            notes.add(part.place("do"), Code.NEVER_TRUE, message, "`truncate` ends its connections")
        case _:
            pass


def _check_tls(part: Part[Step], client: Actor | None, key: str, notes: Notes) -> None:
    if isinstance(client, Client) and client.tls is None:
        message = f"`{client.name}` speaks no TLS, so there is no handshake to fail and nobody to send an alert"
        notes.add(part.place(key), Code.NEVER_TRUE, message, f"`tls: {{ca: ...}}` makes `{client.name}` speak it")


def _check_talk(part: Part[Step], step: Send | Expect | Close, actor: Actor | None, notes: Notes) -> None:
    match step:
        case Send():
            _check_kinds(part, {"key": step.key}, {"key": (Terminal,)}, actor, notes)
        case Expect():
            of_terminals = {"text": step.text, "pattern": step.pattern}
            _check_kinds(part, of_terminals, dict.fromkeys(of_terminals, (Terminal,)), actor, notes)
            _check_end_of(part, step, actor, notes)
        case Close() if step.how is not Closing.ALL:
            _check_kinds(part, {"how": step.how}, {"how": (Client,)}, actor, notes)
        case _:
            pass


def _check_end_of(part: Part[Step], step: Expect, actor: Actor | None, notes: Notes) -> None:
    match actor:
        case Client() if step.end is End.ALERT:
            _check_tls(part, actor, "end", notes)
        case Terminal() if step.end in (End.ALERT, End.RESET):
            message = f"`{actor.name}` is a terminal, which knows no {step.end}"
            notes.add(part.place("end"), Code.NEVER_TRUE, message, "`closed` is its end")
        case _:
            pass


def _check_absence(part: Part[Step], step: Never, actor: Actor | None, notes: Notes) -> None:
    given = {"log": step.log, "event": step.event, "failure": step.failure}
    _check_kinds(part, given, _ABSENCES, actor, notes)
    if not isinstance(actor, Daemon) or step.event is None or actor.record is None:
        return
    if step.event not in (*actor.record, *_ALWAYS_RECORDED):
        message = f"`{step.event}` is not among the callbacks that `{actor.name}` is to `record`"
        notes.add(part.place("event"), Code.ALWAYS_TRUE, f"{message}, so it never comes anyway")


def _check_lasting(part: Part[Step], step: Throughout, actor: Actor | None, notes: Notes) -> None:
    _check_kinds(part, {"server": step.server}, {"server": (Daemon,)}, actor, notes)
    if actor is None or step.state is None:
        return
    kinds = (Client,) if step.state is Lasting.CONNECTED else (Daemon, Process, Terminal)
    if not isinstance(actor, kinds):
        nouns = " or ".join(f"a {kind.kind}" for kind in kinds)
        message = f"`{step.state}` is a state of {nouns}, and `{actor.name}` is a {actor.kind}"
        notes.add(part.place("state"), Code.WRONG_KIND, message)


def _check_end(part: Part[Step], load: Actor | None, notes: Notes) -> None:
    if isinstance(load, Load) and load.operations is None:
        message = f"the load `{load.name}` has no `operations`, so it ends only when it is cancelled"
        notes.add(part.place(None), Code.NEVER_TRUE, message, f"`- cancel: {load.name}` ends it")
