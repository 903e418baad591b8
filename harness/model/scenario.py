"""A scenario: actors, and steps on them; one item for each cell of its matrix."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.actors import Actor
from harness.model.manifest import Profile
from harness.model.source import Location
from harness.model.steps import Step
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

    @property
    def item(self) -> str:
        """The id: `restart/lossless[tcp,2]`."""
        if not self.cell:
            return self.path
        return f"{self.path}[{','.join(value for _, value in self.cell)}]"

    def actor(self, name: str) -> Actor:
        """The actor of that name, which the loader has made sure exists."""
        return next(actor for actor in self.actors if actor.name == name)
