"""python: a function of the user's, for what the language cannot say."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.engine import escape
from harness.engine.actors.program import Command, Output, Program
from harness.engine.lookup import Given
from harness.engine.verdicts import StepFailedError
from harness.engine.waits import until
from harness.model.actors import Limits
from harness.model.timeline import What

if TYPE_CHECKING:
    from harness.engine.observe import Ending, Seen
    from harness.engine.world import World
    from harness.model.steps import Python

_RUNNER = Path(escape.__file__).absolute()


async def python(step: Python, world: World) -> Given:
    """Call the function with what the step gives it, and publish what it returns."""
    values = {name: world.scope.plain(value, step.location) for name, value in (step.inputs or {}).items()}
    module, _, function = step.function.partition(":")
    directory = Path(step.location.file).absolute().parent
    mark = world.timeline.mark()
    # One name for each step that is carried out: the timeline has grown since the last.
    result = world.workspace / f".python-{mark.index}"
    command = Command(
        words=(sys.executable, str(_RUNNER), str(directory), module, function, str(result)),
        directory=world.workspace,
        environment={},
        limits=Limits(),
        input=json.dumps(values),
    )
    output = Output(module, world)
    ending = await _run(step, command, output, world)
    try:
        outcome: dict[str, Any] = json.loads(result.read_bytes())
        result.unlink()
    except OSError:
        last = f"; it said last: {output.last()}" if output.last() else ""
        raise StepFailedError(f"{step.function} {ending} before it gave anything{last}") from None
    if "raised" in outcome:
        raise StepFailedError(_told(step, outcome))
    gave = outcome["gave"]
    return Given(mark, gave if isinstance(gave, dict) else {"value": gave}, gave)


async def _run(step: Python, command: Command, output: Output, world: World) -> Ending:
    program = Program(output.actor, command, world, output)

    def note(seen: Seen) -> None:
        if seen is program.process:
            program.on_ended()
            world.timeline.record(output.actor, What.DEATH, str(seen.ending), pid=seen.pid)

    world.on_process_end.append(note)
    try:
        return await until(
            world.timeline.pulse,
            lambda: program.process.ending,
            limit=world.limit(step),
            waited_for=f"end of {step.function}",
            so_far=lambda: f"it said last: {output.last()}" if output.last() else None,
        )
    finally:
        if not program.process.has_ended:
            program.process.signal(signal.SIGKILL)
        program.release()


def _told(step: Python, outcome: dict[str, Any]) -> str:
    raised, said, place = outcome["raised"], outcome["said"], outcome["at"]
    where = f" ({place})" if place else ""
    if raised == "AssertionError":
        return f"{step.function}: {said or 'an assertion does not hold'}{where}"
    return f"{step.function} raised {raised}{f': {said}' if said else ''}{where}"
