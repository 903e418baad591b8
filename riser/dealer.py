"""The process queue, and how what waits in it comes to the children.

    connections -> process queue -> plan -> one message to the child with fewest unfinished -> its credits come back

A descriptor is in the queue, or in the ledger of the child that it was sent to, until it is known that its connection
has begun: what a child does not read is fetched back, and what it has died on is dealt again.
"""

import collections
import itertools
import math
import os
import time
from collections.abc import Iterable, Iterator, Sequence

from riser.channel import News, Sending
from riser.core.balance import plan
from riser.core.config import ServerConfig
from riser.core.operation import Operation
from riser.core.stats import QueueStats, Report
from riser.member import Member


class Dealer:
    """The process queue of a server with children; the members are those who may be sent something."""

    def __init__(self, config: ServerConfig) -> None:
        self._size = config.process_queue_size
        self._rest_seconds = config.accept_polling_timeout_seconds
        self._unread_seconds = config.process_send_io_polling_timeout_seconds
        self._pending: collections.deque[int] = collections.deque()
        self._stats = QueueStats("process_queue", self._size, config.process_queue_polling_timeout_seconds)
        self._dealt = 0
        self._look_at: float | None = None

    @property
    def pending(self) -> int:
        """How many wait in the queue."""
        return len(self._pending)

    def room(self) -> int:
        """Free places in the queue."""
        return self._size - len(self._pending)

    def take(self, connections: Sequence[int], members: Sequence[Member]) -> None:
        """Queue these descriptors and deal what can be dealt."""
        waited = not self._pending
        for connection in connections:
            if self._stats.enabled:
                self._stats.pushed(len(self._pending))
            self._pending.append(connection)
        self.deal(members, waited=waited)

    def again(self, connections: Sequence[int]) -> None:
        """Put these, which were dealt before, at the head of the queue, in their order."""
        self._pending.extendleft(reversed(connections))

    def drop(self) -> None:
        """Close everything that waits."""
        close_all(self._pending)
        self._pending.clear()

    def wait_began(self) -> None:
        """Count a push that waits."""
        if self._stats.enabled:
            self._stats.wait_began(len(self._pending), clock=time.monotonic())

    def wait_ended(self) -> None:
        """Count how long it waited."""
        self._stats.wait_ended(clock=time.monotonic())

    def report(self, operation: Operation, *, closed: bool) -> Report | None:
        """Start and tell the statistics, or stop them and tell nothing."""
        if operation is Operation.STAT_STOP:
            self._stats.stop()
            return None
        clock, wall = time.monotonic(), time.time()
        self._stats.start(clock=clock, wall=wall)
        reset = operation is Operation.STAT_GET_AND_RESET
        return self._stats.report(clock=clock, wall=wall, closed=closed, reset=reset)

    def settle(self, member: Member, news: News) -> None:
        """Close what has begun, and take back what the child had no descriptors for."""
        ledger = member.ledger
        for lost in news.received:
            if lost:
                self.again(ledger.returned(lost))
                member.resting_until = time.monotonic() + self._rest_seconds
            close_all(ledger.received())
        if news.finished:
            crowded = bool(self._pending)
            close_all(ledger.finished(news.finished, clock=time.monotonic(), crowded=crowded))

    def deal(self, members: Sequence[Member], *, waited: bool = False) -> None:
        """Send what is queued to those who can take it; `waited` if they had nothing to do."""
        self._look_at = None
        while self._pending and self._can_deal(members):
            now = time.monotonic()
            loads = [member.load(now=now, unread_seconds=self._unread_seconds) for member in members]
            counts = plan(loads, len(self._pending), overflow=1 - self.room())
            if not counts:
                if any(load.doubtful for load in loads):
                    self._look_at = now + self._unread_seconds  # Nobody tells when a stopped child goes on.
                return
            for member in members:
                if count := counts.get(member.slot):
                    self._send(member, count, now=now, waited=waited)

    def take_back(self, living: Iterable[Member], members: Sequence[Member], *, now: float) -> None:
        """Fetch what a living child does not read, perhaps because it was stopped just then, for a member to serve."""
        for member in living:
            due = member.unread_until(self._unread_seconds)
            if due is None or now < due:
                continue
            member.looked_at = now
            if self._has_another(member, members, now=now):
                self.again(member.ledger.taken_back(member.channel.take_back()))
                member.resting_until = now + self._unread_seconds

    def moments(self, living: Iterable[Member], *, takes_back: bool) -> Iterator[float]:
        """When to look again: after a rest while something is queued, and at what is unread if it can be taken back."""
        if self._look_at is not None:
            yield self._look_at
        now = time.monotonic()
        for member in living:
            rests_until = max(member.blocked_until, member.resting_until)
            if self._pending and now < rests_until < math.inf:
                yield rests_until
            if takes_back and (due := member.unread_until(self._unread_seconds)) is not None:
                yield due

    def _can_deal(self, members: Sequence[Member]) -> bool:
        """Whether a thread is idle somewhere, a child may have some ahead, or the queue cannot hold them."""
        return self.room() <= 0 or any(member.ledger.idle or member.ledger.ahead for member in members)

    def _send(self, member: Member, count: int, *, now: float, waited: bool) -> None:
        connections = list(itertools.islice(self._pending, count))
        outcome = member.channel.send(connections)
        if outcome is not Sending.SENT:
            # Until it says something, which it does not of the orders that it has read; or is found to be dead.
            member.blocked_until = now + self._rest_seconds if outcome is Sending.FULL else math.inf
            return
        for _ in connections:
            if self._stats.enabled:
                self._stats.popped(0 if waited else len(self._pending), waited=waited)
            self._pending.popleft()
        self._dealt += 1
        member.dealt = self._dealt
        member.ledger.sent(connections, clock=now)

    def _has_another(self, member: Member, members: Sequence[Member], *, now: float) -> bool:
        """Whether someone else takes connections and reads them."""
        others = (other for other in members if other is not member)
        loads = (other.load(now=now, unread_seconds=self._unread_seconds) for other in others)
        return any(load.credits > 0 and not load.doubtful for load in loads)


def close_all(descriptors: Iterable[int]) -> None:
    """Close them, whatever close(2) reports: that is the affair of the peer."""
    for descriptor in descriptors:
        try:
            os.close(descriptor)
        except OSError:
            continue
