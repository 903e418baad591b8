"""What one item owns while it runs, and what every verb gets to work with."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from harness.engine.endpoints import Endpoint, parse_endpoint
from harness.engine.lookup import Publisher, Scope
from harness.engine.observe import Census, Seen
from harness.engine.stalls import Stalls
from harness.engine.timeline import Mark, Timeline
from harness.engine.verdicts import StepErroredError
from harness.engine.waits import Limit
from harness.model.steps import VERBS
from harness.model.values import Duration, Name, Text

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.engine.settings import Settings
    from harness.engine.verbs.concurrency import Meeting
    from harness.model.fields import Kind
    from harness.model.manifest import Manifest
    from harness.model.scenario import Scenario
    from harness.model.steps import Step

T = TypeVar("T", bound="RunningActor")


class RunningActor(Publisher, Protocol):
    """An actor of a running item."""

    @property
    def name(self) -> str:
        """The name that the scenario gives it."""

    @property
    def kind(self) -> Kind:
        """What it is."""

    async def release(self) -> None:
        """Let go of all that it holds, at the end of the item; it never fails the item and may be called twice."""


@dataclass(slots=True)
class World:
    """One running item. `cookie` stands in the environment of every process that it starts, as HARNESS_COOKIE."""

    scenario: Scenario
    manifest: Manifest
    settings: Settings
    workspace: Path
    cookie: str
    timeline: Timeline = field(default_factory=Timeline)
    actors: dict[str, RunningActor] = field(default_factory=dict)
    meetings: dict[str, Meeting] = field(default_factory=dict)
    """The barriers of the `parallel` that runs now."""
    is_branched: bool = False
    """Whether the branches of a `parallel` run now."""
    find_living: Callable[[], list[int]] = list
    """Looks up every living process of the item, whether it has been seen or not."""
    on_process_end: list[Callable[[Seen], None]] = field(default_factory=list)
    """Called, each of them, with every process of the item that has ended; actors pick out their own."""
    scope: Scope = field(init=False)
    census: Census = field(init=False)
    stalls: Stalls = field(init=False)
    _limits: dict[type[Step], Duration] = field(init=False)

    def __post_init__(self) -> None:
        here = Path(self.scenario.location.file).absolute().parent
        self.scope = Scope(self.actors, {"workspace": str(self.workspace), "here": str(here)})
        self._limits = {VERBS[verb]: limit for verb, limit in self.scenario.limits if verb in VERBS}
        self.census = Census(self.cookie, self._process_ended)
        self.stalls = Stalls(self.timeline.now)

    def _process_ended(self, seen: Seen) -> None:
        for tell in self.on_process_end:
            tell(seen)
        self.timeline.pulse.beat()

    async def show(self, step: Step) -> None:
        """Let a spectator, if there is one, look around before the step."""
        if self.settings.spectator is not None and not self.is_branched:
            await self.settings.spectator.before(step, self)

    def actor(self, name: Name, of: type[T]) -> T:
        """The actor of that name, which the loader has made sure is of that kind."""
        actor = self.actors[name.path[0]]
        if not isinstance(actor, of):
            raise StepErroredError(f"{name} is a {actor.kind}, which this verb cannot work with")
        return actor

    def limit(self, step: Step) -> Limit:
        """How long the step may wait: its own `within`, the scenario's for its verb or for all, or the verb's own."""
        within = step.within or self._limits.get(type(step)) or self.scenario.within
        if within is not None:
            return Limit(within.seconds, self.settings.time_scale)
        return Limit(step.limit or 0.0, self.settings.time_scale)

    def since(self, name: Name | None, otherwise: Mark) -> Mark:
        """The mark that a step names under `since`, or another where it names none."""
        return otherwise if name is None else self.scope.mark(name)

    def endpoint(self, to: Text) -> Endpoint:
        """Where `client: d` or `client: "127.0.0.1:8080"` is to connect, as it is now.

        Raises StepFailedError while the daemon has reported no address, StepErroredError for what is no address.
        """
        text = self.scope.text(to)
        named = self.actors.get(text)
        if named is not None:
            text = str(self.scope.value(Name((named.name, "address"), to.location)))
        try:
            return parse_endpoint(text)
        except ValueError as error:
            raise StepErroredError(str(error)) from error
