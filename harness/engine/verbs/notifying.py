"""notified: what a daemon tells its service manager."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.engine.actors.notify import NotifyActor
from harness.engine.elapsed import elapsed_problem
from harness.engine.lookup import Given
from harness.engine.match import check, describe
from harness.engine.verdicts import StepFailedError
from harness.engine.waits import until

if TYPE_CHECKING:
    from harness.engine.actors.notify import Notice
    from harness.engine.timeline import Mark
    from harness.engine.world import World
    from harness.model.steps import Notified

_SHOWN = 6


async def notified(step: Notified, world: World) -> Given:
    """Wait for the first message like this that no other step has waited for."""
    manager = world.actor(step.of, NotifyActor)
    began = world.timeline.mark()
    since = None if step.since is None else world.scope.mark(step.since)

    def find() -> Notice | None:
        for index, notice in enumerate(manager.notices):
            if index not in manager.taken and _is_wanted(step, notice, world, since=since):
                manager.taken.add(index)
                return notice
        return None

    like = " and ".join(f"{key} {describe(matcher, world.scope)}" for key, matcher in step.where.items())
    by = f" of process {describe(step.pid, world.scope)}" if step.pid is not None else ""
    after = f" after {step.since}" if step.since is not None else ""
    notice = await until(
        world.timeline.pulse,
        find,
        limit=world.limit(step),
        waited_for=f"message to {manager.name}{by} with {like}{after}",
        dead=manager.obituary,
        so_far=lambda: _what_came(manager, since),
    )
    if step.elapsed is not None:
        problem = elapsed_problem(step.elapsed, notice.mark, world, since=since or began)
        if problem is not None:
            name = None if step.since is None else str(step.since)
            raise StepFailedError(f"the time until it came: {problem}", moment=notice.mark.index - 1, since=name)
    return Given(notice.mark, {**notice.variables, "pid": notice.pid})


def _is_wanted(step: Notified, notice: Notice, world: World, *, since: Mark | None) -> bool:
    if since is not None and not notice.mark > since:
        return False
    if step.pid is not None and check(step.pid, notice.pid, world.scope) is not None:
        return False
    return all(
        key in notice.variables and check(matcher, notice.variables[key], world.scope) is None
        for key, matcher in step.where.items()
    )


def _what_came(manager: NotifyActor, since: Mark | None) -> str:
    came = [notice for notice in manager.notices if since is None or notice.mark > since]
    if not came:
        return "no message came"
    shown = "; ".join(" ".join(f"{key}={value}" for key, value in one.variables.items()) for one in came[-_SHOWN:])
    return f"there came {'... ' if len(came) > _SHOWN else ''}{shown}"
