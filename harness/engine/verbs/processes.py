"""start, launch, exit, stop, signal, configure: what is done to processes.

A step that acts gives a mark from just before it acted, so that all that it causes comes after the mark. A step that
waits gives a mark from when it came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.engine.actors.daemon import DaemonActor
from harness.engine.actors.started import StartedActor, started
from harness.engine.elapsed import elapsed_problem
from harness.engine.lookup import Given
from harness.engine.match import check, describe
from harness.engine.observe import Ending, signal_name, signal_number
from harness.engine.verdicts import StepErroredError, StepFailedError
from harness.engine.waits import until
from harness.model.timeline import What

if TYPE_CHECKING:
    from harness.engine.timeline import Mark
    from harness.engine.world import World
    from harness.model.matchers import Matcher
    from harness.model.steps import Configure, Exit, Launch, Signal, Start, Stop
    from harness.model.values import Name


async def start(step: Start, world: World) -> Given:
    """Start it and wait until it is ready."""
    actor = started(step.of, world)
    mark = world.timeline.mark()
    actor.launch()
    await actor.ready(world.limit(step), since=mark)
    return Given(mark)


async def launch(step: Launch, world: World) -> Given:
    """Start it."""
    mark = world.timeline.mark()
    started(step.of, world).launch()
    return Given(mark)


async def exit_(step: Exit, world: World) -> Given:
    """Wait until it has ended as the step says."""
    actor = started(step.of, world)
    since = world.since(step.since, world.timeline.mark())
    ending = await _ending(actor, world, step)
    wanted = describe(step.status, world.scope) if step.status is not None else "0"
    if step.signal is not None:
        if ending.signal != step.signal.name.removeprefix("SIG"):
            raise _ended_otherwise(actor, ending, f"expected by signal {step.signal.name}")
    elif ending.status is None or not _is_status(step.status, ending.status, world):
        raise _ended_otherwise(actor, ending, f"expected status {wanted}")
    return Given(_check_elapsed(step.elapsed, actor, world, since=since, name=step.since))


async def stop(step: Stop, world: World) -> Given:
    """Send the stop signal, and wait for the end."""
    actor = started(step.of, world)
    death = actor.obituary()
    if death is not None:
        raise StepFailedError(f"there is nothing to stop: {death}", moment=_moment(actor))
    number = actor.signal_for(step.action)
    mark = world.timeline.mark()
    actor.signal(number)
    ending = await _ending(actor, world, step)
    if step.status is None:
        if not actor.is_good_end(ending, asked=number):
            raise _ended_otherwise(actor, ending, f"expected status 0 after {signal_name(number)}")
    elif ending.status is None or not _is_status(step.status, ending.status, world):
        raise _ended_otherwise(actor, ending, f"expected status {describe(step.status, world.scope)}")
    _check_elapsed(step.elapsed, actor, world, since=mark, name=None)
    return Given(mark)


async def signal(step: Signal, world: World) -> Given:
    """Send a signal to one process of this item, and to no other."""
    actor = world.actors.get(step.to.path[0]) if len(step.to.path) == 1 else None
    if step.signal is not None:
        number = signal_number(step.signal.name)
    elif step.action is not None:
        number = actor.signal_for(step.action) if isinstance(actor, StartedActor) else _manifest_signal(step, world)
    else:
        raise StepErroredError("the step names neither an action nor a signal")
    mark = world.timeline.mark()
    for _ in range(step.times):
        if isinstance(actor, StartedActor):
            _signal_actor(actor, number)
        else:
            _signal_pid(step.to, number, world)
    return Given(mark)


async def configure(step: Configure, world: World) -> Given:
    """Rewrite the configuration."""
    mark = world.timeline.mark()
    world.actor(step.of, DaemonActor).configure(step)
    return Given(mark)


def _signal_actor(actor: StartedActor, number: int) -> None:
    if not actor.signal(number):
        death = actor.obituary() or f"{actor.name} has just ended"
        raise StepFailedError(f"{signal_name(number)} cannot be sent: {death}", moment=_moment(actor))
    if signal_name(number) == "KILL":
        actor.is_accounted_for = True


def _signal_pid(to: Name, number: int, world: World) -> None:
    pid = world.scope.value(to)
    if isinstance(pid, str) and pid.isascii() and pid.isdigit():  # the value of a reply: what `pid` was answered by
        pid = int(pid)
    if not isinstance(pid, int) or isinstance(pid, bool):
        raise StepErroredError(f"{to} is no pid")
    # A process that nobody has reported is known to be the item's by its cookie; the pidfd then keeps it apart from
    # whoever may get its number later.
    seen = world.census.see(pid)
    if seen is None:
        raise StepErroredError(f"{to} is {pid}, which is no process of this scenario: nothing was sent")
    owner = next(
        (actor for actor in world.actors.values() if isinstance(actor, StartedActor) and actor.target is seen), None
    )
    if owner is not None:
        _signal_actor(owner, number)
        return
    world.timeline.record(str(to), What.SIGNAL, signal_name(number), pid=pid)
    if not seen.signal(number):
        raise StepFailedError(f"{signal_name(number)} cannot be sent: {to} {pid} has ended", location=to.location)


def _manifest_signal(step: Signal, world: World) -> int:
    assert step.action is not None
    return signal_number(world.manifest.signals[step.action])


async def _ending(actor: StartedActor, world: World, step: Exit | Stop) -> Ending:
    if actor.program is None:
        raise StepFailedError(f"no end of {actor.name}: it has not been started")
    ending = await until(
        world.timeline.pulse,
        lambda: actor.ending,
        limit=world.limit(step),
        waited_for=f"end of {actor.name}",
        dead=lambda: None if actor.ending is not None else _vanished(actor),
        so_far=actor.last_words,
    )
    actor.is_accounted_for = True
    return ending


def _vanished(actor: StartedActor) -> str | None:
    """A daemonized daemon may leave nothing that could end."""
    return actor.obituary() if isinstance(actor, DaemonActor) and actor.is_daemonizing else None


def _is_status(wanted: Matcher | None, status: int, world: World) -> bool:
    return status == 0 if wanted is None else check(wanted, status, world.scope) is None


def _ended_otherwise(actor: StartedActor, ending: Ending, expected: str) -> StepFailedError:
    unknown = " in a way that nobody could see" if ending == Ending(None, None) else ""
    words = actor.last_words()
    message = f"{actor.name} {ending}{unknown}, {expected}" + (f"; {words}" if words else "")
    return StepFailedError(message, moment=_moment(actor))


def _moment(actor: StartedActor) -> int | None:
    return None if actor.ended_at is None else actor.ended_at.index - 1


def _check_elapsed(
    wanted: Matcher | None, actor: StartedActor, world: World, *, since: Mark, name: Name | None
) -> Mark:
    ended_at = actor.ended_at or world.timeline.mark()
    if wanted is not None:
        problem = elapsed_problem(wanted, ended_at, world, since=since)
        if problem is not None:
            message = f"the time until {actor.name} ended: {problem}"
            raise StepFailedError(message, moment=_moment(actor), since=None if name is None else str(name))
    return ended_at
