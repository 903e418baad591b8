"""never and throughout: what did not come, or did not change, between two marks.

They look back at what has been recorded, so they cost no time and cannot be too early: the span is over, or ends now.
What is recorded at the first mark or later, and before the second, is within.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from harness.engine.actors.connection import HALF_CLOSED
from harness.engine.actors.daemon import DaemonActor
from harness.engine.actors.load import LoadActor
from harness.engine.actors.started import StartedActor, started
from harness.engine.actors.syslog import SyslogActor
from harness.engine.lookup import Given
from harness.engine.match import check, describe
from harness.engine.shown import show, show_text
from harness.engine.verdicts import StepErroredError, StepFailedError
from harness.model.steps import Lasting, Never, Throughout
from harness.model.timeline import What

if TYPE_CHECKING:
    from harness.engine.timeline import Mark
    from harness.engine.world import World
    from harness.model.matchers import Matcher


async def never(step: Never, world: World) -> Given:
    """Look for what must not have come."""
    actor = world.actors[step.of.path[0]]
    if isinstance(actor, StartedActor | SyslogActor):
        actor.drain()
    since, until = _span(step, world)
    between = f"between {step.since} and {step.until or 'now'}"
    if step.log is not None:
        _no_line(step.log, step, world, since=since, until=until, between=between)
    if step.event is not None:
        _no_event(step, world, since=since, until=until, between=between)
    if step.failure is not None:
        load = world.actor(step.of, LoadActor)
        for failed in load.tally.failures:
            if since.at <= failed.ended < until.at and check(step.failure, failed.reason, world.scope) is None:
                wanted = describe(step.failure, world.scope)
                message = f"{load.name}{failed} {between}, expected no such failure ({wanted})"
                raise StepFailedError(message, moment=failed.moment, since=str(step.since))
    return Given(world.timeline.mark())


async def throughout(step: Throughout, world: World) -> Given:
    """Look for a moment at which it was not so."""
    actor = world.actors[step.of.path[0]]
    if isinstance(actor, StartedActor):
        actor.drain()
    since, until = _span(step, world)
    match step.state:
        case Lasting.RUNNING:
            _has_run(step, world, since=since, until=until)
        case Lasting.CONNECTED:
            _was_connected(step, world, since=since, until=until)
        case None:
            pass
        case _:
            assert_never(step.state)
    if step.server is not None:
        _has_served(step.server, step, world, since=since, until=until)
    return Given(world.timeline.mark())


def _span(step: Never | Throughout, world: World) -> tuple[Mark, Mark]:
    since = world.scope.mark(step.since)
    until = world.timeline.mark() if step.until is None else world.scope.mark(step.until)
    if until < since:
        raise StepErroredError(f"{step.until} came before {step.since}, so there is nothing between them")
    return since, until


def _no_line(unwanted: Matcher, step: Never, world: World, *, since: Mark, until: Mark, between: str) -> None:
    actor = world.actors[step.of.path[0]]
    if not isinstance(actor, StartedActor | SyslogActor):
        raise StepErroredError(f"{step.of} is a {actor.kind}, which writes no lines")
    for line in actor.output.lines:
        if since <= line.mark < until and check(unwanted, line.text, world.scope) is None:
            said = f"{actor.name} wrote {show_text(line.text)} {between}"
            message = f"{said}, expected no such line ({describe(unwanted, world.scope)})"
            raise StepFailedError(message, moment=_moment_at(line.mark, actor.name, world), since=str(step.since))


def _no_event(step: Never, world: World, *, since: Mark, until: Mark, between: str) -> None:
    daemon = world.actor(step.of, DaemonActor)
    for report in daemon.reports:
        if report.name != step.event or not since < report.mark <= until:
            continue
        if all(
            key in report.fields and check(matcher, report.fields[key], world.scope) is None
            for key, matcher in (step.where or {}).items()
        ):
            like = "".join(
                f" with {key} {describe(matcher, world.scope)}" for key, matcher in (step.where or {}).items()
            )
            message = f"{report.name} came from process {report.pid} of {daemon.name} {between}, expected none{like}"
            raise StepFailedError(message, moment=report.mark.index - 1, since=str(step.since))


def _has_run(step: Throughout, world: World, *, since: Mark, until: Mark) -> None:
    actor = started(step.of, world)
    begun = _begin(
        [mark for mark in actor.launches if mark < until], [end for end in actor.ends if end <= since], since
    )
    if begun is None:
        raise StepFailedError(f"{actor.name} did not run after {step.since}, expected that it did all the time")
    end = next((end for end in actor.ends if begun < end <= until and since < end), None)
    if end is not None:
        words = actor.last_words()
        message = f"{actor.name} ended before {step.until or 'now'}, expected that it runs until then"
        raise StepFailedError(message + (f"; {words}" if words else ""), moment=end.index - 1, since=str(step.since))


def _begin(begins: list[Mark], ends: list[Mark], since: Mark) -> Mark | None:
    """When that began which lasts at `since`, or if nothing does, the first after it: a step's mark is from before."""
    before = [begin for begin in begins if begin <= since]
    if before and not any(before[-1] < end for end in ends):
        return before[-1]
    return next((begin for begin in begins if begin > since), None)


def _was_connected(step: Throughout, world: World, *, since: Mark, until: Mark) -> None:
    client = str(step.of)
    is_open = False
    for index, moment in enumerate(world.timeline.moments[: until.index]):
        if moment.actor != client:
            continue
        if moment.what is What.CONNECTED:
            is_open = True
        elif is_open and moment.what is What.CLOSED and moment.text != HALF_CLOSED:
            is_open = False
            if index >= since.index:
                message = f"the connection of {client} ended before {step.until or 'now'} ({moment.text})"
                raise StepFailedError(f"{message}, expected it to last", moment=index, since=str(step.since))
    if not is_open:
        raise StepFailedError(f"{client} was not connected after {step.since}, expected that it was all the time")


def _has_served(wanted: Matcher, step: Throughout, world: World, *, since: Mark, until: Mark) -> None:
    daemon = world.actor(step.of, DaemonActor)
    served = [(mark, pid) for mark, pid in daemon.served_from if mark <= until]
    begin = max((index for index, (mark, _) in enumerate(served) if mark <= since), default=0)
    if not served:
        raise StepFailedError(f"no server of {daemon.name} served before {step.until or 'now'}, expected one")
    for index, (mark, pid) in enumerate(served[begin:], begin):
        problem = check(wanted, pid, world.scope)
        if problem is not None:
            message = f"the server of {daemon.name} between {step.since} and {step.until or 'now'}: {problem}"
            raise StepFailedError(message, moment=mark.index - 1, since=str(step.since))
        follower = served[index + 1][0] if index + 1 < len(served) else until
        death = _death_of(pid, world, since=mark, until=follower)
        if death is not None and check(wanted, None, world.scope) is not None:
            expected = describe(wanted, world.scope)
            message = f"no server of {daemon.name} served after the end of {show(pid)}, expected {expected} throughout"
            raise StepFailedError(message, moment=death, since=str(step.since))


def _death_of(pid: int, world: World, *, since: Mark, until: Mark) -> int | None:
    moments = enumerate(world.timeline.moments[since.index : until.index], since.index)
    return next((index for index, moment in moments if moment.what is What.DEATH and moment.pid == pid), None)


def _moment_at(mark: Mark, actor: str, world: World) -> int | None:
    """The moment that a line was recorded as; None for one of a flood that is not in the timeline."""
    moments = world.timeline.moments
    is_there = mark.index < len(moments) and moments[mark.index].actor == actor
    return mark.index if is_there else None
