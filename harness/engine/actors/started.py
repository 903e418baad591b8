"""What every actor that is a started program has in common: its output, its end, its signals."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from harness.engine.actors.program import Output, Program
from harness.engine.observe import Ending, signal_name
from harness.engine.verdicts import StepErroredError
from harness.model.timeline import What

if TYPE_CHECKING:
    from pathlib import Path

    from harness.engine.observe import Seen
    from harness.engine.timeline import Mark
    from harness.engine.waits import Limit
    from harness.engine.world import World
    from harness.model.fields import Kind
    from harness.model.manifest import Action
    from harness.model.values import Name


class StartedActor(ABC):
    """A daemon or a process: it can be started, signalled, and comes to an end; then it can be started again.

    `target` is the process that signals go to and whose end is the actor's end.
    """

    kind: ClassVar[Kind]

    def __init__(self, name: str, world: World) -> None:
        self.name = name
        self.world = world
        self.output = Output(name, world)
        self.program: Program | None = None
        """The last run."""
        self.ended_at: Mark | None = None
        """When the last run ended; None while it runs."""
        self.launches: list[Mark] = []
        self.ends: list[Mark] = []
        """When each run began and ended; the last may run still."""
        self.is_accounted_for = True
        """Whether the scenario has looked at how the last run ended, or has killed it."""
        world.on_process_end.append(self.on_process_end)

    @property
    def directory(self) -> Path:
        """Where it runs, its own in the workspace."""
        return self.world.workspace / self.name

    @property
    def target(self) -> Seen | None:
        """The process that the actor is; None before it was started."""
        return None if self.program is None else self.program.process

    @property
    def ending(self) -> Ending | None:
        """How the last run ended; None while it runs, and before there was one."""
        return None if self.target is None else self.target.ending

    @property
    def is_running(self) -> bool:
        """Whether it has been started and has not ended."""
        return self.program is not None and self.ending is None

    @abstractmethod
    def published(self, name: str) -> object:
        """The value of a field that the actor publishes; raises UnpublishedError while there is none."""

    @abstractmethod
    def launch(self) -> None:
        """Start it. Raises StepErroredError when it runs already or cannot be started."""

    @abstractmethod
    async def ready(self, limit: Limit, *, since: Mark) -> None:
        """Wait until it is ready. Raises StepFailedError when it ends before, or takes too long."""

    @abstractmethod
    def signal_for(self, action: Action) -> int:
        """The number of the signal that stands for an abstract action."""

    @abstractmethod
    def is_good_end(self, ending: Ending, *, asked: int) -> bool:
        """Whether it may end like this when it was stopped by that signal."""

    @abstractmethod
    def on_process_end(self, seen: Seen) -> None:
        """A process of the item has ended, and been reaped if it was ours to reap."""

    def drain(self) -> None:
        """Take in everything that it has written up to now."""
        if self.program is not None:
            self.program.drain()

    def signal(self, number: int) -> bool:
        """Send it a signal; false when it does not run."""
        if self.target is None or self.target.has_ended:
            return False
        # Recorded first: what the signal causes comes after it.
        self.world.timeline.record(self.name, What.SIGNAL, signal_name(number), pid=self.target.pid)
        return self.target.signal(number)

    def obituary(self) -> str | None:
        """A clause that says that, and how, it has ended; None while it runs."""
        if self.program is None:
            return f"{self.name} has not been started"
        if self.ending is None:
            return None
        words = self.last_words()
        return f"{self.name} {self.ending}" + (f"; {words}" if words else "")

    def last_words(self) -> str | None:
        """A clause with what it has written last, None where it wrote nothing."""
        last = self.output.last()
        return f"{self.name} said last: {last}" if last else None

    def prepare_run(self) -> None:
        """Let go of the last run and make ready for the next. Raises StepErroredError when the last one still runs."""
        if self.is_running:
            raise StepErroredError(f"{self.name} runs already")
        if self.program is not None:
            self.program.release()
            self.program = None
        self.directory.mkdir(exist_ok=True)
        self.ended_at = None
        self.launches.append(self.world.timeline.mark())
        self.is_accounted_for = False

    def note_end(self, moment: int) -> None:
        """The last run has ended, as the timeline says at that moment."""
        self.ended_at = self.world.timeline.mark_of(moment)
        self.ends.append(self.ended_at)

    async def release(self) -> None:
        """Stop reading what it writes."""
        if self.program is not None:
            self.program.release()


def started(name: Name, world: World) -> StartedActor:
    """The daemon or process of that name, which the loader has made sure is one."""
    actor = world.actors[name.path[0]]
    if not isinstance(actor, StartedActor):
        raise StepErroredError(f"{name} is a {actor.kind}, which cannot be started")
    return actor
