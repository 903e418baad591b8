"""Whether something came in time: the bound as it is stretched, and what the engine itself did not see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.engine.match import check
from harness.engine.timeline import HARNESS
from harness.model.timeline import What
from harness.model.values import Duration

if TYPE_CHECKING:
    from harness.engine.timeline import Mark
    from harness.engine.world import World
    from harness.model.matchers import Matcher


def elapsed_problem(wanted: Matcher, came: Mark, world: World, *, since: Mark) -> str | None:
    """None when the time from `since` to `came` is as wanted, else "got 300ms, expected under 250ms".

    What had come before it was asked for has taken no time. An upper bound that is missed by less than the engine stood
    still in between is not held against the testee; the timeline says so then.
    """
    elapsed = Duration(max(0.0, round(came.at - since.at, 6)))
    scale = world.settings.time_scale
    problem = check(wanted, elapsed, world.scope, scale=scale)
    if problem is None:
        return None
    stalled = world.stalls.within(since.at, came.at)
    if not stalled or check(wanted, elapsed, world.scope, scale=scale, stalled=stalled) is not None:
        return problem
    forgive(problem, stalled, world)
    return None


def forgive(problem: str, stalled: float, world: World) -> None:
    """Say in the timeline that a bound was missed while the engine itself stood still, for `stalled` seconds of it."""
    span = Duration(round(stalled, 3))
    world.timeline.record(HARNESS, What.NOTE, f"{problem}; not counted: the engine itself stood still for {span} of it")
