"""A function for each verb; a file for each family of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from harness.engine.verbs import (
    faults,
    files,
    loading,
    notifying,
    observing,
    pacing,
    processes,
    requesting,
    spans,
    talking,
)
from harness.model import steps

if TYPE_CHECKING:
    from harness.engine.lookup import Given
    from harness.engine.world import World


async def perform(step: steps.Step, world: World) -> Given:  # noqa: C901 - the table of the verbs
    """Carry out one step; gives what stands under its `as`.

    Raises StepFailedError, StepErroredError or StepUnsupportedError.
    """
    match step:
        case steps.Start():
            return await processes.start(step, world)
        case steps.Launch():
            return await processes.launch(step, world)
        case steps.Exit():
            return await processes.exit_(step, world)
        case steps.Stop():
            return await processes.stop(step, world)
        case steps.Signal():
            return await processes.signal(step, world)
        case steps.Configure():
            return await processes.configure(step, world)
        case steps.Connect():
            return await talking.connect(step, world)
        case steps.Close():
            return await talking.close(step, world)
        case steps.Send():
            return await talking.send(step, world)
        case steps.Expect():
            return await talking.expect(step, world)
        case steps.Talk():
            return await talking.talk(step, world)
        case steps.Event():
            return await observing.event(step, world)
        case steps.Events():
            return await observing.events(step, world)
        case steps.Notified():
            return await notifying.notified(step, world)
        case steps.Tree():
            return await observing.tree(step, world)
        case steps.Eventually():
            return await observing.eventually(step, world)
        case steps.Log():
            return await observing.log(step, world)
        case steps.File():
            return await files.file(step, world)
        case steps.Write():
            return await files.write(step, world)
        case steps.Background():
            return await loading.background(step, world)
        case steps.Wait():
            return await loading.wait(step, world)
        case steps.Cancel():
            return await loading.cancel(step, world)
        case steps.Check():
            return await loading.check(step, world)
        case steps.Fault():
            return await faults.fault(step, world)
        case steps.Mark():
            return await pacing.mark(step, world)
        case steps.Pause():
            return await pacing.pause(step, world)
        case steps.Never():
            return await spans.never(step, world)
        case steps.Throughout():
            return await spans.throughout(step, world)
        case steps.Request():
            return await requesting.request(step, world)
        case steps.Response():
            return await requesting.response(step, world)
        case _:
            assert_never(step)
