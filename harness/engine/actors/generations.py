"""Which server serves now, and which processes are its own: what follows from the events, in the order they came.

    before_start of S   ->  a new generation, its server is S, its daemon is S's parent
    preprocess of S     ->  S serves (one process)
    preprocess of C     ->  C serves for the server that is C's parent

A generation is complete when as many processes as it was asked for have reported `preprocess`.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Generation:
    """One server and the processes that serve for it; `wanted` is how many there must be for it to be complete."""

    number: int
    server: int
    parent: int | None
    """The server's parent, None where it had ended before anybody could look."""
    address: str
    wanted: int
    serving: list[int] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether as many processes serve, or have served, as the server was asked to have."""
        return len(self.serving) >= self.wanted

    @property
    def children(self) -> list[int]:
        """The processes that serve beside the server itself, in the order in which they began."""
        return [pid for pid in self.serving if pid != self.server]


class Generations:
    """All servers of one run of a daemon."""

    def __init__(self) -> None:
        self.all: list[Generation] = []

    def before_start(self, pid: int, *, parent: int | None, address: str, processes: int) -> Generation:
        """A server has opened its socket; `processes` is `process_num` at that time."""
        generation = Generation(len(self.all) + 1, pid, parent, address, wanted=max(1, processes))
        self.all.append(generation)
        return generation

    def preprocess(self, pid: int, *, parent: int | None) -> None:
        """A process begins to serve: for the newest server that it is or belongs to."""
        for generation in reversed(self.all):
            if pid == generation.server or parent in (generation.server, None):
                generation.serving.append(pid)
                return

    @property
    def newest(self) -> Generation | None:
        """The one that was begun last."""
        return self.all[-1] if self.all else None
