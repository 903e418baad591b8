"""`harness run --step`: a person looks around before each step, while everything lives on.

The terminal is read by the event loop, so that meanwhile output is read, deaths are seen and Ctrl-C ends the run as
always. Limits of time begin with the step and not before it; but what is counted from a mark counts the person's time.
"""

from __future__ import annotations

import asyncio
import sys
from typing import IO, TYPE_CHECKING

from harness.cli.keyboard import Keyboard
from harness.cli.refusal import RefusedError
from harness.cli.views import actor_lines, moment_lines, source_lines

if TYPE_CHECKING:
    from harness.engine.world import World
    from harness.model.outcome import Failure
    from harness.model.steps import Step

HELP = """\
  Enter  do this step, and stop before the next
  a      the actors, as they are now
  l      the last lines that each has written
  t      the timeline, its last moments
  c      go on to the end of this item without stopping
  q      quit: stop everything; the item counts as not run
"""


def check_stepping(jobs: int | None) -> None:
    """Raises RefusedError where nobody can be asked, or more than one item was to run at once."""
    for name, stream in (("input", sys.stdin), ("output", sys.stdout)):
        if not stream.isatty():
            raise RefusedError.of(f"--step needs a terminal, and standard {name} is none")
    if jobs is not None and jobs > 1:
        raise RefusedError.of(f"--step runs one item at a time, and --jobs asks for {jobs}")


class Stepper:
    """A spectator that asks a person at a terminal."""

    def __init__(self, keyboard: IO[str], screen: IO[str]) -> None:
        self._keyboard = Keyboard(keyboard)
        self._screen = screen
        self._going_on: World | None = None
        """The item that is to run without stopping."""
        self.has_quit = False

    async def before(self, step: Step, world: World) -> None:
        """Show the step, and wait until it may be done."""
        if world is self._going_on:
            return
        steps = world.scenario.steps
        number = next((number for number, each in enumerate(steps, 1) if each is step), None)
        which = "a step of a macro" if number is None else f"step {number} of {len(steps)}"
        self._say(f"\n{world.scenario.item}: {which}, {step.location}\n")
        self._say(source_lines(step.location))
        await self._ask(world)

    async def at_end(self, failure: Failure | None, world: World) -> None:
        """Show how it went, and wait until everything may be stopped; a failure stops also who goes on."""
        if world is self._going_on and failure is None:
            return
        how = "all steps are done" if failure is None else f"{failure.location}: {failure.message}"
        self._say(f"\n{world.scenario.item}: {how}; Enter stops the actors\n")
        await self._ask(world)

    async def _ask(self, world: World) -> None:
        self._say(actor_lines(world))
        while True:
            self._say("(Enter, a, l, t, c, q, ? for help) ")
            line = await self._keyboard.line()
            match "q" if line is None else line.strip():
                case "":
                    return
                case "a":
                    self._say(actor_lines(world))
                case "l":
                    self._say(actor_lines(world, log=10))
                case "t":
                    self._say(moment_lines(world.timeline.moments, most=20))
                case "c":
                    self._going_on = world
                    return
                case "q":
                    await self._quit()
                case _:
                    self._say(HELP)

    async def _quit(self) -> None:
        """End the run as Ctrl-C does: this task is cancelled, and whoever waits for it."""
        self.has_quit = True
        for task in asyncio.all_tasks():
            task.cancel()
        await asyncio.get_running_loop().create_future()

    def _say(self, text: str) -> None:
        self._screen.write(text)
        self._screen.flush()
