"""Names: everything that is used must be declared, be there by then, and be of the kind that its place takes.

Names come from the actors, and from the steps that have an `as`, in their order. A step with problems of its own still
gives its name, as one about which nothing more is known, so that one mistake is told once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.load.codes import Code
from harness.load.notes import Notes, Use, listed, near
from harness.load.scalars import NAME
from harness.load.steps import Broken, Part, flattened
from harness.model.actors import Client, Load, Notify, Process, Proxy, Terminal
from harness.model.fields import RESULT_FIELDS, Kind
from harness.model.steps import Step, Tree
from harness.model.steps import Use as UseStep

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.load.expand import Cell
    from harness.model.actors import Actor
    from harness.model.source import Location

WORKSPACE = "workspace"
HERE = "here"
OPERATION = "n"
"""The names that the engine itself gives: everywhere, and in what a load sends and expects."""

_LISTS = ("children", "all", "served_by")
_PIDS = ("pid", "launcher", "daemon", "server", "value", "text")


@dataclass(frozen=True, slots=True)
class _Symbol:
    """What a name stands for: `kind` and `fields` are None where nothing is known, or anything may be there."""

    name: str
    location: Location
    kind: Kind | None
    fields: tuple[str, ...] | None
    is_actor: bool


def check_names(actors: Sequence[Part[Actor]], steps: Sequence[Part[Step]], cell: Cell, notes: Notes) -> set[str]:
    """Note every name that is declared twice, used but not there, or used as what it is not.

    Gives the names that steps use. `steps` has those under `finally` too, at its end.
    """
    return _Names(cell, notes).check(actors, steps)


def check_use(actors: Sequence[Part[Actor]], steps: Sequence[Part[Step]], used: set[str], notes: Notes) -> None:
    """Note actors that no step uses, and steps that look at something for nothing; `used` is what the steps use.

    An actor is used when a step uses it, or another actor that is used.
    """
    waiting = [part.value for part in actors if not isinstance(part.value, Broken)]
    reached = set(used)
    heard = {actor.name for actor in waiting if isinstance(actor, Process | Terminal) and actor.ready.notify}
    found = True
    while found:
        found = False
        for actor in [actor for actor in waiting if actor.name in reached or _is_listened_for(actor, heard & reached)]:
            waiting.remove(actor)
            reached |= next({use.path[0] for use in part.uses} for part in actors if part.value is actor)
            if isinstance(actor, Client | Load | Proxy):
                reached.add(str(actor.to))
            found = True
    for actor in waiting:
        notes.add(actor.location, Code.UNUSED_ACTOR, f"no step uses the actor `{actor.name}`")
    for step in steps:
        match step.value:
            case Tree(as_name=name, daemon=None, server=None, children=None, generation=None, all=None) as tree:
                if name not in used:
                    hint = "give it something to check, or a name with `as` that a later step uses"
                    notes.add(tree.location, Code.NOTHING_CHECKED, "this `tree` checks nothing", hint)
            case _:
                pass


def _is_listened_for(actor: Actor, heard: set[str]) -> bool:
    """Whether it is what tells that one of these processes is ready."""
    return isinstance(actor, Notify) and str(actor.of) in heard


class _Names:
    def __init__(self, cell: Cell, notes: Notes) -> None:
        self._notes = notes
        self._symbols: dict[str, _Symbol] = {}
        self._reserved = {WORKSPACE, HERE, OPERATION, *(name for name, _ in cell.values)}
        self._beside: dict[str, _Symbol] = {}
        """What has been given in other branches of the same `parallel`."""
        self._later: dict[str, int] = {}
        self._used: set[str] = set()

    def check(self, actors: Sequence[Part[Actor]], steps: Sequence[Part[Step]]) -> set[str]:
        for actor in actors:
            self._declare(_symbol_of_actor(actor.value))
        for step in flattened(steps):
            symbol = _symbol_of_step(step.value)
            if symbol is not None:
                self._later.setdefault(symbol.name, symbol.location.line)
        self._take(steps)
        used = set(self._used)
        for actor in actors:
            self._check_actor(actor)
        return used

    def _take(self, steps: Sequence[Part[Step]]) -> None:
        for step in steps:
            self._use_all(step)
            self._take_blocks(step.blocks)
            symbol = _symbol_of_step(step.value)
            if symbol is not None:
                self._later.pop(symbol.name, None)
                self._declare(symbol)

    def _take_blocks(self, blocks: Sequence[Sequence[Part[Step]]]) -> None:
        """What one block gives is known in the others only when all are over."""
        outside, beside = self._symbols, self._beside
        together: dict[str, _Symbol] = {}
        for block in blocks:
            self._symbols = dict(outside)
            self._beside = {**beside, **together}
            self._take(block)
            together |= {name: symbol for name, symbol in self._symbols.items() if name not in outside}
        self._symbols, self._beside = {**outside, **together}, beside

    def _declare(self, symbol: _Symbol | None) -> None:
        if symbol is None:
            return
        first = self._symbols.get(symbol.name) or self._beside.get(symbol.name)
        if symbol.name in self._reserved:
            message = f"`{symbol.name}` has a meaning already: it cannot be given to something else"
            self._notes.add(symbol.location, Code.DUPLICATE_NAME, message)
        elif first is not None:
            message = f"the name `{symbol.name}` is given a second time"
            self._notes.add(
                symbol.location, Code.DUPLICATE_NAME, message, f"the first is at line {first.location.line}"
            )
        else:
            self._symbols[symbol.name] = symbol

    def _check_actor(self, part: Part[Actor]) -> None:
        self._use_all(part, is_load=isinstance(part.value, Load))
        match part.value:
            case Client(to=to) | Load(to=to) if len(to.parts) == 1 and isinstance(to.parts[0], str):
                self._use_address(to.parts[0], to.location, kinds=(Kind.DAEMON, Kind.PROXY))
            case Proxy(to=to) if len(to.parts) == 1 and isinstance(to.parts[0], str):
                self._use_address(to.parts[0], to.location, kinds=(Kind.DAEMON,))
            case _:
                pass

    def _use_address(self, address: str, location: Location, *, kinds: tuple[Kind, ...]) -> None:
        if NAME.fullmatch(address):
            self._use(Use((address,), location, kinds=kinds, takes_fields=False))
        elif not _is_address(address):
            message = f"expected {_any_of(kinds)}, HOST:PORT or unix:PATH, found `{address}`"
            self._notes.add(location, Code.BAD_ADDRESS, message)

    def _use_all(self, part: Part[Actor] | Part[Step], *, is_load: bool = False) -> None:
        if isinstance(part.value, Broken):
            self._used.update(part.value.words)
        for use in part.uses:
            if use.path[0] not in (WORKSPACE, HERE) and not (is_load and use.path == (OPERATION,)):
                self._use(use)
            elif len(use.path) > 1:
                self._notes.add(use.location, Code.UNKNOWN_FIELD, f"`{use.path[0]}` has no fields")

    def _use(self, use: Use) -> None:
        name = use.path[0]
        self._used.add(name)
        symbol = self._symbols.get(name)
        if symbol is not None and symbol.kind is Kind.MACRO and use.path[1:2] and use.path[1] != "at":
            inner = self._symbols.get(f"{name}.{use.path[1]}")
            if inner is not None and symbol.fields is not None and use.path[1] in symbol.fields:
                use, symbol = replace(use, path=(inner.name, *use.path[2:])), inner
        if symbol is None:
            self._note_unknown(use)
        elif symbol.kind is not None:
            self._check_kind(use, symbol, symbol.kind)

    def _note_unknown(self, use: Use) -> None:
        name = use.path[0]
        if name == OPERATION:
            message = "`n`, the number of an operation, is known only in what a load sends and expects"
            self._notes.add(use.location, Code.UNDEFINED_NAME, message)
        elif name in self._beside:
            line = self._beside[name].location.line
            message = f"`{name}` is given at line {line}, in another branch: it is known when the branches are over"
            self._notes.add(use.location, Code.TOO_EARLY, message)
        elif name in self._later:
            message = f"nothing is called `{name}` yet: the step at line {self._later[name]} gives that name, later"
            self._notes.add(use.location, Code.TOO_EARLY, message)
        else:
            known = [*self._symbols, *([] if use.kinds else self._reserved - {OPERATION})]
            hint = near(name, known) or _of_kind(self._symbols.values(), use)
            if hint is None and self._symbols:
                hint = f"names so far: {', '.join(self._symbols)}"
            self._notes.add(use.location, Code.UNDEFINED_NAME, f"nothing is called `{name}`", hint)

    def _check_kind(self, use: Use, symbol: _Symbol, kind: Kind) -> None:
        if len(use.path) > 1:
            self._check_field(use, symbol, kind)
        elif use.kinds and kind not in use.kinds:
            message = f"expected {_any_of(use.kinds)}, and `{symbol.name}` is {_a(kind)}"
            self._notes.add(use.location, Code.WRONG_KIND, message, _of_kind(self._symbols.values(), use))
        elif not use.kinds and (symbol.is_actor or (use.is_reference and kind in (Kind.TREE, Kind.EVENT, Kind.MACRO))):
            fields = ", ".join(f"`{symbol.name}.{field}`" for field in symbol.fields or ("pid", "address"))
            message = f"`{symbol.name}` is {_a(kind)}, and a value is needed here"
            self._notes.add(use.location, Code.WRONG_KIND, message, f"it publishes {fields}")

    def _check_field(self, use: Use, symbol: _Symbol, kind: Kind) -> None:
        field, *rest = use.path[1:]
        if use.kinds and not use.takes_fields:
            message = f"expected {_any_of(use.kinds)}, and `{use}` is something that {_a(kind)} publishes"
            self._notes.add(use.location, Code.WRONG_KIND, message)
        elif symbol.fields is None:
            return
        elif field not in symbol.fields:
            known = near(field, symbol.fields) or f"it publishes {listed(symbol.fields, 'and')}"
            self._notes.add(use.location, Code.UNKNOWN_FIELD, f"{_a(kind)} publishes no `{field}`", known)
        elif rest and (field not in _LISTS or len(rest) > 1 or not rest[0].isdigit()):
            hint = f"an element is `{symbol.name}.{field}.0`" if field in _LISTS else None
            message = f"there is nothing under `{symbol.name}.{field}` that is called `{'.'.join(rest)}`"
            self._notes.add(use.location, Code.UNKNOWN_FIELD, message, hint)
        elif use.kinds and field not in (*_PIDS, *_LISTS):
            self._notes.add(use.location, Code.WRONG_KIND, f"expected a process, and `{use}` is not the pid of one")


def _of_kind(symbols: Iterable[_Symbol], use: Use) -> str | None:
    """A hint with the names that would do in that place."""
    names = [symbol.name for symbol in symbols if symbol.kind in use.kinds]
    return f"{_any_of(use.kinds)} is {listed(names)}" if names else None


def _symbol_of_actor(actor: Actor | Broken) -> _Symbol | None:
    if isinstance(actor, Broken):
        return None if actor.name is None else _Symbol(actor.name, actor.location, None, None, is_actor=True)
    return _Symbol(actor.name, actor.location, actor.kind, actor.publishes, is_actor=True)


def _symbol_of_step(step: Step | Broken) -> _Symbol | None:
    if isinstance(step, Broken):
        return None if step.name is None else _Symbol(step.name, step.location, None, None, is_actor=False)
    if step.as_name is None or step.gives is None:
        return None
    fields = step.outputs if isinstance(step, UseStep) else RESULT_FIELDS[step.gives]
    # Every result is a moment too.
    every = fields if fields is None or "at" in fields else (*fields, "at")
    return _Symbol(step.as_name, step.location, step.gives, every, is_actor=False)


def _is_address(text: str) -> bool:
    if text.startswith("unix:"):
        return len(text.removeprefix("unix:").removeprefix("//")) > 0
    host, colon, port = text.removeprefix("tcp://").rpartition(":")
    return bool(colon and host) and port.isascii() and port.isdigit() and int(port) <= 65535


def _a(kind: Kind) -> str:
    return f"an {kind}" if kind is Kind.EVENT else f"a {kind}"


def _any_of(kinds: Sequence[Kind]) -> str:
    words = [_a(kind) for kind in kinds]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
