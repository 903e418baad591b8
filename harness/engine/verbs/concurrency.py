"""parallel, barrier and use: steps that have steps in them.

The branches of a `parallel` are tasks of one loop. The first that fails cancels the others, and what they might have
had to say afterwards is not heard: they were ended.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.engine.lookup import Given
from harness.engine.timeline import HARNESS
from harness.engine.verdicts import StepErroredError, StepFailedError
from harness.engine.waits import until
from harness.model import steps
from harness.model.timeline import What

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from harness.engine.timeline import Mark
    from harness.engine.world import World

    CarryOut = Callable[[steps.Step, World], Awaitable[None]]


@dataclass(slots=True)
class Meeting:
    """One barrier while its branches run; `mark` is the moment at which the last of them came."""

    parties: int
    come: int = 0
    mark: Mark | None = None


async def parallel(step: steps.Parallel, world: World, carry_out: CarryOut) -> Given:
    """Let the branches run, and wait for the last of them or for the first that fails."""
    mark = world.timeline.mark()
    parties = Counter(name for branch in step.branches.values() for name in _barriers(branch))
    world.meetings = {name: Meeting(number) for name, number in parties.items()}
    failures: list[Exception] = []

    async def run(branch: tuple[steps.Step, ...]) -> None:
        try:
            for inner in branch:
                await carry_out(inner, world)
        except Exception as error:
            failures.append(error)
            raise

    world.is_branched = True
    tasks = {asyncio.create_task(run(branch)): name for name, branch in step.branches.items()}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for task, name in tasks.items():
            if task.cancel():
                world.timeline.record(HARNESS, What.NOTE, f"the branch {name} is cancelled")
        await asyncio.gather(*tasks, return_exceptions=True)
        world.is_branched = False
    if failures:
        raise failures[0]
    return Given(mark)


async def barrier(step: steps.Barrier, world: World) -> Given:
    """Come to the barrier, and wait for the others."""
    meeting = world.meetings[step.name]
    meeting.come += 1
    if meeting.come == meeting.parties:
        meeting.mark = world.timeline.mark()
        world.timeline.pulse.beat()
    met = await until(
        world.timeline.pulse,
        lambda: meeting.mark,
        limit=world.limit(step),
        waited_for=f"meeting at the barrier {step.name}",
        so_far=lambda: f"{meeting.come} of {meeting.parties} branches have come",
    )
    return Given(met)


async def use(step: steps.Use, world: World, carry_out: CarryOut) -> Given:
    """Carry out the steps of the macro; what fails in them shows where it was used."""
    mark = world.timeline.mark()
    try:
        for inner in step.steps:
            await world.show(inner)
            await carry_out(inner, world)
    except (StepFailedError, StepErroredError) as error:
        error.frames.append(step.location)
        raise
    return Given(mark)


def _barriers(branch: Iterable[steps.Step]) -> set[str]:
    return {step.name for step in steps.every_step(branch) if isinstance(step, steps.Barrier)}
