"""fault: what a daemon relies on fails, for as long as the scenario wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.engine.actors.proxy import ProxyActor
from harness.engine.actors.syslog import SyslogActor
from harness.engine.lookup import Given

if TYPE_CHECKING:
    from harness.engine.world import World
    from harness.model.steps import Fault


async def fault(step: Fault, world: World) -> Given:
    """Begin a fault, or end them."""
    mark = world.timeline.mark()
    actor = world.actors[step.of.path[0]]
    if isinstance(actor, ProxyActor):
        actor.disturb(step)
    else:
        world.actor(step.of, SyslogActor).disturb(step.do)
    return Given(mark)
