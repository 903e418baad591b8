"""The implied end of every item: what still runs is stopped as it likes to be stopped, and how it ends is looked at."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.engine.actors.started import StartedActor
from harness.engine.observe import signal_name, signal_number
from harness.engine.verdicts import StepFailedError
from harness.engine.waits import Limit, until
from harness.model.manifest import Action

if TYPE_CHECKING:
    from harness.engine.world import World

_KILL_LIMIT = Limit(10.0)
"""What the kernel gets to end a killed process."""


@dataclass(frozen=True, slots=True)
class BadEnd:
    """An actor that did not end as it should; `message` is the sentence, `moment` its death in the timeline."""

    actor: str
    message: str
    moment: int | None = None


async def stop_all(world: World, limit: Limit) -> list[BadEnd]:
    """Stop every daemon and process that runs, at the same time; what does not end within the limit is killed."""
    for seen in world.census.living():
        seen.thaw()
    actors = [actor for actor in world.actors.values() if isinstance(actor, StartedActor)]
    ends = await asyncio.gather(*(_stopped(actor, limit) for actor in actors))
    return [end for end in ends if end is not None]


async def _stopped(actor: StartedActor, limit: Limit) -> BadEnd | None:
    if not actor.is_running:
        return _unexpected_end(actor)
    asked = actor.signal_for(Action.STOP_GRACEFUL)
    actor.signal(asked)
    if not await _has_ended(actor, limit):
        actor.signal(signal_number("KILL"))
        await _has_ended(actor, _KILL_LIMIT)
        late = f"{actor.name} did not end within {limit} of {signal_name(asked)}, sent at the end of the scenario"
        return _bad(actor, late)
    if actor.ending is None or actor.is_accounted_for or actor.is_good_end(actor.ending, asked=asked):
        return None
    return _bad(actor, f"{actor.name} {actor.ending} when it was stopped at the end of the scenario, expected status 0")


def _unexpected_end(actor: StartedActor) -> BadEnd | None:
    """A scenario may leave an end in good order unmentioned, but no other."""
    if actor.is_accounted_for or actor.ending is None:
        return None
    if actor.is_good_end(actor.ending, asked=actor.signal_for(Action.STOP_GRACEFUL)):
        return None
    return _bad(actor, f"{actor.name} {actor.ending} during the scenario, and no step expected that")


async def _has_ended(actor: StartedActor, limit: Limit) -> bool:
    try:
        await until(
            actor.world.timeline.pulse,
            lambda: None if actor.is_running else True,
            limit=limit,
            waited_for=f"end of {actor.name}",
        )
    except StepFailedError:
        return False
    return True


def _bad(actor: StartedActor, message: str) -> BadEnd:
    words = actor.last_words()
    moment = None if actor.ended_at is None else actor.ended_at.index - 1
    return BadEnd(actor.name, message + (f"; {words}" if words else ""), moment)
