"""A running item, as a person at a terminal is shown it: the step's source, the actors as they are, the timeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.engine.actors.client import ClientActor
from harness.engine.actors.started import StartedActor
from harness.engine.lookup import UnpublishedError, spell
from harness.engine.verdicts import StepErroredError, StepFailedError
from harness.load.render import file_reader
from harness.report.moments import actor_of, text_of
from harness.report.text import cut, pad, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.engine.world import RunningActor, World
    from harness.model.actors import Actor
    from harness.model.source import Location
    from harness.model.timeline import Moment

_MOST_SOURCE = 12
_WIDTH = 120
_UNTOLD = {"output", "config", "host", "port", "path"}
"""Fields that say nothing new beside the others, or too much."""


def source_lines(place: Location) -> str:
    """The lines of the step that begins there."""
    read_line = file_reader()
    first = read_line(place.file, place.line)
    if first is None:
        return ""
    lines = [(place.line, first)]
    while len(lines) < _MOST_SOURCE:
        number = place.line + len(lines)
        line = read_line(place.file, number)
        if line is None or not line.strip() or len(line) - len(line.lstrip()) < place.column - 1:
            break
        lines.append((number, line))
    return "".join(f"{number:>5} | {printable(line)}\n" for number, line in lines)


def actor_lines(world: World, *, log: int = 1) -> str:
    """Every actor with how it is, what it publishes now, and as many of the lines that it wrote last as `log` says."""
    shown: list[str] = []
    for model in world.scenario.actors:
        actor = world.actors.get(model.name)
        if actor is None:
            continue
        said = "; ".join([*_state(actor), *_fields(model, actor)])
        shown.append(printable(f"  {pad(model.name, 6)} {model.kind}: {said}"))
        if isinstance(actor, StartedActor):
            shown += [f"         | {cut(printable(line), _WIDTH)}" for line in actor.output.since(None)[-log:]]
    return "".join(f"{line}\n" for line in shown)


def moment_lines(moments: Sequence[Moment], *, most: int) -> str:
    """The last moments of a timeline."""
    return "".join(
        f"  {moment.at:+8.3f}  {pad(cut(actor_of(moment), 12), 12)}  {cut(text_of(moment), _WIDTH - 26)}\n"
        for moment in moments[-most:]
    )


def _state(actor: RunningActor) -> Iterator[str]:
    match actor:
        case StartedActor():
            obituary = actor.obituary()
            yield "runs" if obituary is None else obituary.partition("; ")[0].removeprefix(f"{actor.name} ")
        case ClientActor():
            try:
                connection = actor.connection
            except StepErroredError:
                yield "not connected"
                return
            yield "connected" if connection.ended is None else f"{connection.ended}"
            if connection.unread_line is not None:
                yield f"next line: {connection.unread_line!r}"
            if connection.partial:
                yield f"and no end of line: {connection.partial!r}"
        case _:
            return


def _fields(model: Actor, actor: RunningActor) -> Iterator[str]:
    for name in model.publishes:
        if name in _UNTOLD and not (name == "path" and "address" not in model.publishes):
            continue
        try:
            value = actor.published(name)
        except (UnpublishedError, StepFailedError, StepErroredError):
            continue
        text = spell(value)
        if text:
            yield f"{name} {text}"
