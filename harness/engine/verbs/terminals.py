"""send, expect, talk, close and resize, where their subject is a terminal.

When the program ends, the kernel takes the terminal from its whole session: a survivor may hold it open, and cannot use
it any more. So its end ends every wait. Where nobody survives, the terminal is left a moment before the death that this
tells of, which a failure waits for.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, TypeAlias, assert_never

from harness.engine.actors.screen import Over, Shown
from harness.engine.actors.terminal import TerminalActor
from harness.engine.elapsed import elapsed_problem
from harness.engine.lookup import Given, UnpublishedError
from harness.engine.match import check, describe
from harness.engine.shown import show_text
from harness.engine.verdicts import StepErroredError, StepFailedError
from harness.engine.waits import Limit, until
from harness.model.keys import ENTER, KEYS
from harness.model.steps import Close, Expect, Resize, Send, Talk
from harness.model.timeline import What

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.engine.timeline import Mark
    from harness.engine.world import World
    from harness.model.matchers import Matcher
    from harness.model.values import Name

    Look: TypeAlias = Callable[[], Shown | Over | None]

TerminalStep: TypeAlias = Send | Expect | Talk | Close | Resize

_ANSWER = "ok "
_FOR_THE_OBITUARY = 1.0
"""Seconds that a failing step grants to a dying program: its terminal ends a moment before its status is known, and few
programs leave their terminal and live."""


async def perform(step: TerminalStep, world: World) -> Given:
    """Carry out a step whose subject is a terminal. Raises StepFailedError, StepErroredError."""
    terminal = world.actor(step.of, TerminalActor)
    match step:
        case Send():
            return await _send(step, terminal, world)
        case Expect():
            return await _expect(step, terminal, world)
        case Talk():
            return await _talk(step, terminal, world)
        case Close():
            mark = world.timeline.mark()
            terminal.hang_up()
            return Given(mark)
        case Resize():
            return _resize(step, terminal, world)
        case _:
            assert_never(step)


async def _send(step: Send, terminal: TerminalActor, world: World) -> Given:
    if step.line is not None:
        text = world.scope.text(step.line) + ENTER
    elif step.text is not None:
        text = world.scope.text(step.text)
    elif step.key is not None:
        text = KEYS[step.key]
    else:
        raise StepErroredError("the step names neither a line nor a text nor a key")
    mark = world.timeline.mark()
    await _type(terminal, text, world, limit=world.limit(step))
    return Given(mark)


async def _expect(step: Expect, terminal: TerminalActor, world: World) -> Given:
    since = world.since(step.since, world.timeline.mark())
    limit = world.limit(step)
    if step.end is not None:
        given = await _end(terminal, world, limit=limit)
    elif step.text is not None:
        text = world.scope.text(step.text)
        given = await _found(terminal, text, world, limit=limit, wanted=show_text(text))
    elif step.pattern is not None:
        pattern = re.compile(step.pattern.source)
        wanted = f"text that matches {show_text(step.pattern.source)}"
        given = await _found(terminal, pattern, world, limit=limit, wanted=wanted)
    else:
        given = await _line(terminal, step.line, world, limit=limit)
    _check_elapsed(step.elapsed, given.mark, world, since=since, name=step.since)
    return given


async def _talk(step: Talk, terminal: TerminalActor, world: World) -> Given:
    mark = world.timeline.mark()
    limit = world.limit(step)
    await _type(terminal, world.scope.text(step.send) + ENTER, world, limit=limit)
    given = await _line(terminal, step.expect, world, limit=limit)
    _check_elapsed(step.elapsed, given.mark, world, since=mark, name=None)
    return Given(mark, given.fields, given.whole)


def _resize(step: Resize, terminal: TerminalActor, world: World) -> Given:
    mark = world.timeline.mark()
    try:
        terminal.resize(step.rows, step.columns)
    except UnpublishedError as error:
        raise StepFailedError(f"its window cannot be resized: {error}") from error
    return Given(mark)


async def _type(terminal: TerminalActor, text: str, world: World, *, limit: Limit) -> None:
    moment = terminal.type(text)
    await until(
        world.timeline.pulse,
        lambda: None if terminal.untyped else True,
        limit=limit,
        waited_for=f"room for what is typed to {terminal.name}",
        dead=terminal.obituary,
        so_far=lambda: f"nobody reads it, {terminal.untyped} bytes could not be typed",
    )
    if terminal.is_broken:
        message = f"nothing can be typed to {terminal.name}: no program has the terminal open any more"
        raise StepFailedError(message + await _obituary(terminal, world), moment=moment)


async def _found(
    terminal: TerminalActor, what: str | re.Pattern[str], world: World, *, limit: Limit, wanted: str
) -> Given:
    came = await _wait(terminal, lambda: terminal.screen.find(what), world, limit=limit, wanted=wanted)
    mark = _record(terminal, came.text, world)
    fields = {"text": came.text} if came.group is None else {"text": came.text, "value": came.group}
    return Given(mark, fields, came.text)


async def _line(terminal: TerminalActor, line: Matcher | None, world: World, *, limit: Limit) -> Given:
    wanted = "a line" if line is None else f"a line, {describe(line, world.scope)}"
    came = await _wait(terminal, terminal.screen.next_line, world, limit=limit, wanted=wanted)
    mark = _record(terminal, came.text, world)
    problem = None if line is None else check(line, came.text, world.scope)
    if problem is not None:
        raise StepFailedError(problem, moment=mark.index - 1)
    fields = {"text": came.text}
    if came.text.startswith(_ANSWER):
        fields["value"] = came.text.removeprefix(_ANSWER)
    return Given(mark, fields, came.text)


async def _wait(terminal: TerminalActor, look: Look, world: World, *, limit: Limit, wanted: str) -> Shown:
    """What was looked for, which `wanted` says in words."""
    came: Shown | Over = await until(
        world.timeline.pulse,
        _whenever_shown(terminal, look),
        limit=limit,
        waited_for=f"sign of {wanted} on {terminal.name}",
        dead=terminal.obituary,
        so_far=lambda: _so_far(terminal),
    )
    if isinstance(came, Shown):
        return came
    showed = f", and showed {show_text(came.unread)} before" if came.unread else ""
    message = f"the terminal {terminal.name} was left by its program{showed}, expected {wanted}"
    raise StepFailedError(message + await _obituary(terminal, world))


async def _end(terminal: TerminalActor, world: World, *, limit: Limit) -> Given:
    def is_over() -> bool | None:
        return True if terminal.screen.is_over or not terminal.is_running else None

    await until(
        world.timeline.pulse,
        is_over,
        limit=limit,
        waited_for=f"end of the terminal {terminal.name}",
        so_far=lambda: _so_far(terminal),
    )
    return Given(world.timeline.mark(), {"end": "closed"})


def _whenever_shown(terminal: TerminalActor, look: Look) -> Look:
    """The same look, taken only when something has come since the last one: others make the pulse beat too."""
    looked: tuple[int, bool] | None = None

    def look_again() -> Shown | Over | None:
        nonlocal looked
        now = terminal.screen.changes, terminal.screen.is_over
        if now == looked:
            return None
        looked = now
        return look()

    return look_again


def _record(terminal: TerminalActor, text: str, world: World) -> Mark:
    index = world.timeline.record(terminal.name, What.RECEIVED, show_text(text))
    return world.timeline.mark_of(index)


def _so_far(terminal: TerminalActor) -> str:
    screen = terminal.screen
    if screen.lost:
        return f"more than a megabyte was shown that no step has read, and {screen.lost} characters after it are lost"
    return f"it showed {show_text(screen.unread)}" if screen.unread else "it showed nothing"


async def _obituary(terminal: TerminalActor, world: World) -> str:
    with suppress(StepFailedError):
        death = await until(
            world.timeline.pulse,
            terminal.obituary,
            limit=Limit(_FOR_THE_OBITUARY, world.settings.time_scale),
            waited_for=f"death of {terminal.name}",
        )
        return f"; {death}"
    return ""


def _check_elapsed(wanted: Matcher | None, came: Mark, world: World, *, since: Mark, name: Name | None) -> None:
    if wanted is None:
        return
    problem = elapsed_problem(wanted, came, world, since=since)
    if problem is not None:
        message = f"the time until it came: {problem}"
        raise StepFailedError(message, moment=came.index - 1, since=None if name is None else str(name))
