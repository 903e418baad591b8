"""mark and pause: a name for this moment, and time that passes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from harness.engine.lookup import Given

if TYPE_CHECKING:
    from harness.engine.world import World
    from harness.model.steps import Mark, Pause


async def mark(step: Mark, world: World) -> Given:
    """Name this moment; what has come by now comes before it."""
    del step  # its name is given as every step's is
    return Given(world.timeline.mark())


async def pause(step: Pause, world: World) -> Given:
    """Let time pass, unless the item cannot go on."""
    mark = world.timeline.mark()
    clock = asyncio.get_running_loop().time
    end = clock() + step.time.seconds
    while (remaining := end - clock()) > 0:
        world.timeline.pulse.check()
        await asyncio.wait((world.timeline.pulse.next(),), timeout=remaining)
    return Given(mark)
