"""A scenario: actors, and steps on them; one item for each cell of its matrix."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.actors import Actor, Daemon, Mode
from harness.model.fields import option
from harness.model.manifest import Profile
from harness.model.source import Location
from harness.model.steps import Step, every_step
from harness.model.values import Duration


@dataclass(frozen=True, slots=True)
class Scenario:
    """One item to run: a scenario file with one cell of its matrix filled in.

    `path` is the id without the cell: the file's path below the suite's root, without suffix (`restart/lossless`).
    """

    path: str
    title: str
    location: Location
    clauses: tuple[str, ...]
    needs: frozenset[Profile]
    tags: tuple[str, ...]
    cell: tuple[tuple[str, str], ...]
    """Matrix variables and their values, in the order of the file."""
    actors: tuple[Actor, ...]
    steps: tuple[Step, ...]
    always: tuple[Step, ...] = ()
    """The steps under `finally`, which run whatever came before."""
    within: Duration | None = None
    """A time limit for every step that waits and has none of its own, in place of the verbs' defaults."""
    limits: tuple[tuple[str, Duration], ...] = ()
    """Time limits for the steps of single verbs, which go before `within`."""

    @property
    def item(self) -> str:
        """The id: `restart/lossless[tcp,2]`."""
        if not self.cell:
            return self.path
        return f"{self.path}[{','.join(value for _, value in self.cell)}]"

    @property
    def every_step(self) -> tuple[Step, ...]:
        """All steps, those under `finally` and those within others too."""
        return tuple(every_step((*self.steps, *self.always)))

    @property
    def profiles(self) -> frozenset[Profile]:
        """What the scenario says that it needs, and what its daemons need: what they are and use."""
        daemons = [actor for actor in self.actors if isinstance(actor, Daemon)]
        implied = {
            Profile.DAEMON: any(daemon.mode is Mode.DAEMON for daemon in daemons),
            Profile.TLS: any(daemon.tls is not None for daemon in daemons),
            Profile.ACTIVATION: any(daemon.inherits is not None for daemon in daemons),
            Profile.SERVICES: any(map(_calls_services, daemons)),
            Profile.RESOURCES: any(daemon.resources is not None for daemon in daemons),
        }
        return self.needs | {profile for profile, is_needed in implied.items() if is_needed}

    def actor(self, name: str) -> Actor:
        """The actor of that name, which the loader has made sure exists."""
        return next(actor for actor in self.actors if actor.name == name)


def _calls_services(daemon: Daemon) -> bool:
    """Whether it has a pool: resources in service processes are services, too."""
    return daemon.services is not None or (daemon.resources is not None and daemon.resources.process_num > 0)


@dataclass(frozen=True, slots=True)
class Head:
    """The keys of a scenario file that are about the scenario as a whole."""

    title: str = option("what the scenario shows, as a sentence", key="scenario")
    clauses: tuple[str, ...] = option("the clauses that it checks", default=())
    needs: tuple[Profile, ...] = option("the profiles that it needs; core by default", default=(Profile.CORE,))
    tags: tuple[str, ...] = option("words to select it by", default=())
    within: Duration | dict[str, Duration] | None = option(
        "a time limit for every step that waits, for the verbs' own; or limits by verb: {every: 5s, start: 20s}",
        default=None,
    )


BODY = {
    "matrix": "variables and their values; one item for each combination",
    "defaults": "by kind of actor, options for those that do not give them: {daemon: {listen: unix}}",
    "actors": "who takes part, by name",
    "steps": "what happens, in order",
    "finally": "steps that run at the end, whatever came before",
}
"""The keys of a scenario file that have a grammar of their own, and what stands under them."""
