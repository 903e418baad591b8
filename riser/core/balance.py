"""Who gets the next connections, and what is owed to whom when a child dies.

A child may have as many connections unfinished as it has threads and places in its thread queue: its *credits* are what
is left of that. The next connection goes to whoever has fewest unfinished, so a child with an idle thread comes first
(`server.balance`). A child that is stopped, or has not even read what it was sent, comes last (`server.child.stopped`).

The `Ledger` knows which connections a child has begun without being told of each: threads take them in the order in
which they were sent, so of those that have been received and are not finished the oldest `threads` are in service.
Until one is, the parent keeps its own descriptor of it, and can deal it to another child (`server.child.death`).
"""

import collections
import heapq
from collections.abc import Sequence
from dataclasses import dataclass

MOST_PER_MESSAGE = 16
"""Descriptors in one message: more gains nothing measurable, and the kernel's limit is 253."""


@dataclass(frozen=True, slots=True)
class Load:
    """What a plan must know of one child; `dealt` is the serial number of the last connection dealt to it."""

    slot: int
    unfinished: int
    credits: int
    doubtful: bool
    dealt: int


@dataclass(frozen=True, slots=True)
class Share:
    """`count` connections for the child in `slot`, in one message."""

    slot: int
    count: int


def plan(loads: Sequence[Load], pending: int) -> list[Share]:
    """Deal up to `pending` connections: one message for each child that gets any; empty when nobody has credits."""
    counts: dict[int, int] = {}
    ranking = [_rank(load, taken=0) for load in loads if load.credits > 0]
    heapq.heapify(ranking)
    by_slot = {load.slot: load for load in loads}
    while pending and ranking:
        slot = ranking[0][-1]
        load = by_slot[slot]
        counts[slot] = taken = counts.get(slot, 0) + 1
        pending -= 1
        if taken < min(load.credits, MOST_PER_MESSAGE):
            heapq.heapreplace(ranking, _rank(load, taken=taken))
        else:
            heapq.heappop(ranking)
    return [Share(slot, count) for slot, count in counts.items()]


def _rank(load: Load, *, taken: int) -> tuple[bool, int, int, int]:
    return (load.doubtful, load.unfinished + taken, load.dealt, load.slot)


class Ledger:
    """What one child has been sent and has said about it; connections are whatever the caller keeps of them."""

    def __init__(self, *, threads: int, queue: int) -> None:
        self._threads = threads
        self._limit = threads + queue
        self._messages: collections.deque[tuple[int, float]] = collections.deque()
        self._kept: collections.deque[int] = collections.deque()
        self._received = 0
        self.unfinished = 0

    @property
    def credits(self) -> int:
        """How many more the child may be sent."""
        return self._limit - self.unfinished

    @property
    def kept(self) -> int:
        """How many have been sent and are not known to have begun."""
        return len(self._kept)

    @property
    def unread_since(self) -> float | None:
        """When the oldest message was sent that the child has not read yet."""
        return self._messages[0][1] if self._messages else None

    def sent(self, connections: Sequence[int], *, clock: float) -> None:
        """One message with these connections is on its way."""
        self._messages.append((len(connections), clock))
        self._kept.extend(connections)
        self.unfinished += len(connections)

    def received(self) -> list[int]:
        """The child has read the oldest message that it had not read; the connections that have begun thereby."""
        self._received += self._messages.popleft()[0]
        return self._begun()

    def finished(self, connections: int) -> list[int]:
        """The child has finished so many more; the connections that have begun in their place."""
        self.unfinished -= connections
        self._received -= connections
        return self._begun()

    def reclaim(self) -> list[int]:
        """The child is dead: the connections that it had not begun, oldest first."""
        kept = list(self._kept)
        self._kept.clear()
        self._messages.clear()
        self._received = self.unfinished = 0
        return kept

    def returned(self, connections: int) -> list[int]:
        """The child had no descriptors for the last so many of the oldest message it has not acknowledged yet."""
        count, clock = self._messages[0]
        self._messages[0] = (count - connections, clock)
        self.unfinished -= connections
        end = len(self._kept) - sum(following for following, _ in self._messages) + self._messages[0][0]
        kept = list(self._kept)
        self._kept = collections.deque(kept[:end] + kept[end + connections :])
        return kept[end : end + connections]

    def _begun(self) -> list[int]:
        waiting = self.unfinished - min(self._threads, self._received)
        return [self._kept.popleft() for _ in range(len(self._kept) - waiting)]
