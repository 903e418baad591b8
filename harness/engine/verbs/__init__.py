"""A function for each verb; a file for each family of them."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, assert_never

from harness.engine.timeline import HARNESS
from harness.engine.verbs import (
    concurrency,
    escaping,
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
from harness.engine.verdicts import StepErroredError, StepFailedError
from harness.model import steps
from harness.model.fields import Kind, is_subject
from harness.model.timeline import What

if TYPE_CHECKING:
    from harness.engine.lookup import Given
    from harness.engine.verbs.terminals import TerminalStep
    from harness.engine.world import World
    from harness.model.values import Name


_VERB_OF = {step: verb for verb, step in steps.VERBS.items()}


async def carry_out(step: steps.Step, world: World) -> None:
    """Do one step, tell the timeline, and publish what the step gives. Raises what `perform` raises, and where."""
    world.timeline.record(HARNESS, What.STEP, _describe(step))
    try:
        given = await perform(step, world)
        # A testee that cannot be judged forbids any success,
        world.timeline.pulse.check()
    except (StepFailedError, StepErroredError) as error:
        error.location = error.location or step.location
        if isinstance(error, StepFailedError):
            # and explains any failure.
            world.timeline.pulse.check()
        raise
    if step.as_name is not None:
        world.scope.give(step.as_name, given)
        world.timeline.marks[step.as_name] = given.mark


def _describe(step: steps.Step) -> str:
    verb = _VERB_OF[type(step)]
    about = next((getattr(step, spec.name) for spec in fields(step) if is_subject(spec)), None)
    if isinstance(about, dict):
        about = ", ".join(about)
    return verb if about is None else f"{verb} {about}"


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
        case steps.Resize():
            return await _in_terminal(step, world)
        case steps.Close() | steps.Send() | steps.Expect() | steps.Talk() if _is_terminal(step.of, world):
            return await _in_terminal(step, world)
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
        case steps.Parallel():
            return await concurrency.parallel(step, world, carry_out)
        case steps.Barrier():
            return await concurrency.barrier(step, world)
        case steps.Use():
            return await concurrency.use(step, world, carry_out)
        case steps.Python():
            return await escaping.python(step, world)
        case _:
            assert_never(step)


def _is_terminal(name: Name, world: World) -> bool:
    return world.actors[name.path[0]].kind is Kind.TERMINAL


async def _in_terminal(step: TerminalStep, world: World) -> Given:
    from harness.engine.verbs import terminals  # pexpect is for those who have one

    return await terminals.perform(step, world)
