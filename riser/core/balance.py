"""Who gets the next connections, and what is owed to whom when a child dies.

A child may have as many connections unfinished as it has threads and places in its thread queue: its *credits* are
what is left of that. Connections wait in the parent's process queue for the first thread that is idle anywhere, and
go to the child that has fewest unfinished (`server.balance`). Two kinds go to the thread queues, where a connection
may be stuck behind slow ones while a thread of another child is idle: what the process queue cannot hold, and in a
storm of short ones what the child finishes in a moment (`riser.core.pace`).

A child that is stopped, or has not even read what it was sent, is *doubtful* and comes last; what it has not read is
taken back when another can take it (`server.child.stopped`).

The `Ledger` knows which connections a child has begun without being told of each: threads take them in the order in
which they were sent, so of those that have been received and are not finished the oldest are in service, as many as
there are threads. Until one is, the parent keeps its own descriptor of it, and can deal it to another child
(`server.child.death`).
"""

import collections
import heapq
from collections.abc import Sequence
from typing import NamedTuple

from riser.core.pace import Pace

MOST_PER_MESSAGE = 16
"""Descriptors in one message: more gains nothing measurable, and the kernel's limit is 253."""


class Load(NamedTuple):
    """What a plan must know of one child; `dealt` is the serial number of the last message sent to it."""

    slot: int
    unfinished: int
    idle: int
    ahead: int
    credits: int
    doubtful: bool
    dealt: int


def plan(loads: Sequence[Load], pending: int, *, overflow: int) -> dict[int, int]:
    """Deal up to `pending` connections to idle threads, what is left to children that may have some ahead.

    At least `overflow` of them are dealt wherever there are credits.

    The answer has how many each slot gets, in one message; it is empty when nobody can take anything.
    """
    reliable = [load for load in loads if not load.doubtful and load.credits > 0]
    able = reliable or [load for load in loads if load.credits > 0]
    counts: dict[int, int] = {}
    dealt = _deal(able, pending, counts=counts, limits=[min(load.idle, load.credits) for load in able])
    if dealt < pending:
        limits = [min(load.idle + load.ahead, load.credits) for load in able]
        dealt += _deal(able, pending - dealt, counts=counts, limits=limits)
    for candidates in (able, loads):
        if dealt < overflow:
            limits = [load.credits for load in candidates]
            dealt += _deal(candidates, overflow - dealt, counts=counts, limits=limits)
    return counts


def _deal(loads: Sequence[Load], pending: int, *, counts: dict[int, int], limits: Sequence[int]) -> int:
    """Add to `counts`, one by one and to whoever has fewest unfinished; how many were dealt."""
    ranking = [
        (load.unfinished + counts.get(load.slot, 0), load.dealt, load.slot, min(limit, MOST_PER_MESSAGE))
        for load, limit in zip(loads, limits, strict=True)
        if counts.get(load.slot, 0) < min(limit, MOST_PER_MESSAGE)
    ]
    heapq.heapify(ranking)
    dealt = 0
    while ranking and dealt < pending:
        unfinished, serial, slot, limit = ranking[0]
        count = counts[slot] = counts.get(slot, 0) + 1
        dealt += 1
        if count < limit:
            heapq.heapreplace(ranking, (unfinished + 1, serial, slot, limit))
        else:
            heapq.heappop(ranking)
    return dealt


class Ledger:
    """What one child has been sent and has said about it; connections are whatever the caller keeps of them."""

    def __init__(self, *, threads: int, queue: int) -> None:
        self._threads = threads
        self._limit = threads + queue
        self._pace = Pace(most=queue)
        self._messages: collections.deque[tuple[int, float]] = collections.deque()
        self._kept: collections.deque[int] = collections.deque()
        self._received = 0
        self.unfinished = 0

    @property
    def credits(self) -> int:
        """How many more the child may be sent."""
        return self._limit - self.unfinished

    @property
    def idle(self) -> int:
        """How many of its threads have nothing to do."""
        return max(self._threads - self.unfinished, 0)

    @property
    def ahead(self) -> int:
        """How many more it may be sent than it has idle threads."""
        return self._pace.ahead(max(self.unfinished - self._threads, 0))

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

    def finished(self, connections: int, *, clock: float, crowded: bool = False) -> list[int]:
        """The child has finished so many more; the connections that have begun in their place.

        `crowded` if others wait for whichever thread is idle first.
        """
        self._pace.finished(connections, crowded=crowded or self.unfinished > self._threads, clock=clock)
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
        unread = sum(count for count, _ in self._messages)
        count, clock = self._messages[0]
        self._messages[0] = (count - connections, clock)
        self.unfinished -= connections
        kept = list(self._kept)
        end = len(kept) - unread + count
        self._kept = collections.deque(kept[: end - connections] + kept[end:])
        return kept[end - connections : end]

    def taken_back(self, connections: int) -> list[int]:
        """So many were taken out of the line before the child had read them: the newest, in whole messages."""
        left = connections
        while left > 0:
            left -= self._messages.pop()[0]
        self.unfinished -= connections
        return [self._kept.pop() for _ in range(connections)][::-1]

    def _begun(self) -> list[int]:
        waiting = self.unfinished - min(self._threads, self._received)
        return [self._kept.popleft() for _ in range(len(self._kept) - waiting)]
