"""The parent's side of its children: fork, deal, replace, stop. The parent itself has no threads.

    connections -> process queue -> plan -> one message to the child with fewest unfinished -> its credits come back

Since there are no threads, a child can be forked at any time: one that dies is replaced at once, and with growing
pauses if it goes on dying, while its siblings serve on. What it had not begun is dealt again; the parent keeps its
own descriptor of a connection until it knows that the connection has begun.
"""

import collections
import contextlib
import functools
import itertools
import logging
import os
import resource
import select
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from riser.callbacks import Callbacks
from riser.channel import ChildEnd, News, ParentEnd, Sending, channel
from riser.core.backoff import failures_after, pause_seconds
from riser.core.balance import Ledger, Load, plan
from riser.core.config import FORCED_CHILD_SECONDS, FORCED_START_SECONDS, ServerConfig
from riser.core.operation import Operation, StopState
from riser.core.record import Record
from riser.core.stats import QueueStats
from riser.errors import ChildDiedError
from riser.leash import Leash
from riser.loop import Loop
from riser.process import Child, spawn
from riser.signals import SignalInbox

_log = logging.getLogger("riser")

_OTHER_DESCRIPTORS = 32
"""What a process has open besides connections, roughly."""


class Birth(Record):
    """What a child is given: its own inbox, its end of the channel, its slot, and the leash that it is on."""

    inbox: SignalInbox
    channel: ChildEnd
    slot: int
    leash: Leash


_STOPPED_SECONDS = 0.001
"""How long it is believed that a child is stopped, or is not; what it is sent in that time is taken back."""

Body = Callable[[Birth], int]
"""What a child does, to its exit status."""


class _Member:
    """One living child as its parent sees it."""

    def __init__(self, slot: int, child: Child, *, channel: ParentEnd, leash: Leash, ledger: Ledger) -> None:
        self.slot = slot
        self.child = child
        self.channel = channel
        self.leash = leash
        self.ledger = ledger
        self.born = time.monotonic()
        self.ready = False
        self.leaving = False
        self.completed = False
        self.blocked = False
        self.heard = True
        self.resting_until = 0.0
        self.kill_at: float | None = None
        self.dealt = 0
        self.looked_at = 0.0
        self._asked_at = 0.0
        self._stopped = False

    def unread_until(self, seconds: float) -> float | None:
        """When it will have been too long that a message is unread, and nobody has looked after it; None if none is."""
        since = self.ledger.unread_since
        return None if since is None else max(since, self.looked_at) + seconds

    def load(self, *, now: float, unread_seconds: float) -> Load:
        """What the plan has to know: no credits for a child that cannot take anything now."""
        takes = self.ready and not self.leaving and not self.blocked and now >= self.resting_until
        unread = self.ledger.unread_since
        return Load(
            slot=self.slot,
            unfinished=self.ledger.unfinished,
            idle=self.ledger.idle,
            ahead=self.ledger.ahead,
            credits=self.ledger.credits if takes else 0,
            doubtful=(unread is not None and now - unread > unread_seconds) or self._is_stopped(now),
            dealt=self.dealt,
        )

    def _is_stopped(self, now: float) -> bool:
        if now - self._asked_at >= _STOPPED_SECONDS:
            self._asked_at = now
            self._stopped = self.child.is_stopped()
        return self._stopped

    def complete(self) -> None:
        """Say, once, that there will be no more connections."""
        if not self.completed:
            self.completed = True
            self.channel.complete()


class _Slot:
    """A place for one child, and how those before it have fared."""

    def __init__(self) -> None:
        self.member: _Member | None = None
        self.failures = 0
        self.fork_at: float | None = None


class Children:
    """The crew of a server with child processes."""

    def __init__(
        self,
        config: ServerConfig,
        callbacks: Callbacks,
        *,
        body: Body,
        operations: Mapping[signal.Signals, Operation],
    ) -> None:
        self.failure: BaseException | None = None
        self._config = config
        self._callbacks = callbacks
        self._body = body
        self._operations = operations
        self._slots = [_Slot() for _ in range(config.process_num)]
        self._retired: list[_Member] = []
        self._pending: collections.deque[int] = collections.deque()
        self._stats = QueueStats(
            "process_queue", config.process_queue_size, config.process_queue_polling_timeout_seconds
        )
        self._state = StopState.NONE
        self._started = False
        self._dealt = 0
        self._look_at: float | None = None

    def begin(self, loop: Loop) -> None:
        """Fork all children; raises OSError, with none of them left, if that is not possible."""
        self._loop = loop
        self._warn_of_limit()
        try:
            for slot in range(len(self._slots)):
                self._fork(slot)
        except OSError:
            self.stop(StopState.FORCED)
            self.end()
            raise

    def is_ready(self) -> bool:
        """Whether all children have said that they serve."""
        return self._started

    def room(self) -> int:
        """Free places in the process queue."""
        return self._config.process_queue_size - len(self._pending)

    def take(self, connections: Sequence[int]) -> None:
        """Queue these descriptors and deal what can be dealt."""
        waited = not self._pending
        for connection in connections:
            if self._stats.enabled:
                self._stats.pushed(len(self._pending))
            self._pending.append(connection)
        self._deal(waited=waited)

    def wait_began(self) -> None:
        """Count a push that waits."""
        if self._stats.enabled:
            self._stats.wait_began(len(self._pending), clock=time.monotonic())

    def wait_ended(self) -> None:
        """Count how long it waited."""
        self._stats.wait_ended(clock=time.monotonic())

    def stop(self, state: StopState) -> None:
        """Tell every living child; if forced, drop what is queued and set the time by which they have to be gone."""
        self._state = state
        if state is StopState.FORCED:
            self._drop_pending()
        for member in self._living():
            if state is StopState.GRACEFUL:
                member.channel.order(Operation.STOP_GRACEFUL)
            else:
                member.channel.order(Operation.STOP_FORCED)
                member.child.send(signal.SIGCONT)
                # One that is not ready may have run its preprocess all the same, and then has to run its postprocess.
                seconds = FORCED_CHILD_SECONDS if member.ready else FORCED_START_SECONDS
                member.kill_at = time.monotonic() + seconds

    def report(self, operation: Operation) -> None:
        """Start and tell the statistics of the process queue, or stop them; every child does the same with its own."""
        match operation:
            case Operation.STAT_GET_AND_RESET | Operation.STAT_GET_NO_RESET:
                clock, wall = time.monotonic(), time.time()
                self._stats.start(clock=clock, wall=wall)
                reset = operation is Operation.STAT_GET_AND_RESET
                closed = self._state is not StopState.NONE
                self._callbacks.reporting(self._stats.report(clock=clock, wall=wall, closed=closed, reset=reset))
            case Operation.STAT_STOP:
                self._stats.stop()
            case _:
                return
        for member in self._living():
            member.channel.order(operation)

    def advance(self, now: float) -> None:
        """Fork who is missing, deal what is queued, and bring a stop to its end."""
        self._fill_slots(now)
        self._take_back(now)
        self._deal(waited=False)
        if self._state is StopState.GRACEFUL and not self._owes_anything():
            for member in self._living():
                member.complete()
        for member in self._living():
            if member.kill_at is not None and now >= member.kill_at:
                member.kill_at = None
                _log.warning("child %d (pid %d) did not stop and is killed", member.slot, member.child.pid)
                member.child.send(signal.SIGKILL)

    def wake_at(self) -> float | None:
        """The next fork that is due, the end of a rest while something is queued, the time to kill, or to take back."""
        moments = [slot.fork_at for slot in self._slots if slot.fork_at is not None]
        if self._look_at is not None:
            moments.append(self._look_at)
        now = time.monotonic()
        takes_back = len(self._slots) > 1 and self._state is not StopState.FORCED
        seconds = self._config.process_send_io_polling_timeout_seconds
        for member in self._living():
            if member.kill_at is not None:
                moments.append(member.kill_at)
            if self._pending and member.resting_until > now:
                moments.append(member.resting_until)
            if takes_back and (due := member.unread_until(seconds)) is not None:
                moments.append(due)
        return min(moments, default=None)

    def is_over(self, now: float) -> bool:
        """Whether every child has ended."""
        del now
        return not any(self._living())

    def end(self) -> None:
        """Wait, within bounds, for children that are still there, then kill them."""
        self._drop_pending()
        deadline = time.monotonic() + FORCED_CHILD_SECONDS
        for member in list(self._living()):
            _wait_for_exit(member.child, seconds=max(deadline - time.monotonic(), 0))
            member.child.send(signal.SIGKILL)
            member.child.reap(block=True)
            self._remove(member)

    def let_go(self) -> None:
        """In a child just forked: close the parent's descriptors of connections, siblings and channels."""
        for member in self._living():
            member.channel.close()
            member.child.close()
            member.leash.close()
            _close_all(member.ledger.reclaim())
        self._drop_pending()
        self._loop.close()

    def _living(self) -> Iterator[_Member]:
        return itertools.chain((slot.member for slot in self._slots if slot.member is not None), self._retired)

    def _fork(self, number: int) -> None:
        with contextlib.ExitStack() as undo:
            parent_end, child_end = channel()
            undo.callback(parent_end.close)
            with contextlib.closing(child_end):
                leash = Leash()
                undo.callback(leash.close)

                def run(inbox: SignalInbox) -> int:
                    leash.hold()
                    parent_end.close()
                    self.let_go()
                    return self._body(Birth(inbox, child_end, number, leash))

                child = spawn(run, operations=self._operations)
            undo.pop_all()
        leash.keep_parent_end()
        ledger = Ledger(threads=self._config.thread_num, queue=self._config.thread_queue_size)
        member = _Member(number, child, channel=parent_end, leash=leash, ledger=ledger)
        slot = self._slots[number]
        slot.member = member
        slot.fork_at = None
        if self._state is StopState.GRACEFUL:
            parent_end.order(Operation.STOP_GRACEFUL)
        self._loop.watch(parent_end, functools.partial(self._hear, member))
        self._loop.watch(child, functools.partial(self._bury, member))

    def _hear(self, member: _Member) -> None:
        """Take in what a child has said."""
        if not member.heard:
            return
        news = member.channel.receive()
        member.blocked = False
        self._settle(member, news)
        if news.ready:
            member.ready = True
            if member.kill_at is not None:
                member.kill_at = time.monotonic() + FORCED_CHILD_SECONDS
            self._started = self._started or all(slot.member and slot.member.ready for slot in self._slots)
        if news.failure is not None:
            if member.ready or not self._started:
                self.failure = self.failure or news.failure
            else:
                _log.error("child %d cannot start: %s", member.slot, news.failure)
        if news.leaving and not member.leaving:
            self._retire(member)
        if news.ended:
            member.heard = False
            member.blocked = True
            self._loop.unwatch(member.channel)

    def _settle(self, member: _Member, news: News) -> None:
        """Close what has begun, and take back what the child had no descriptors for."""
        ledger = member.ledger
        for lost in news.received:
            if lost:
                self._pending.extendleft(reversed(ledger.returned(lost)))
                member.resting_until = time.monotonic() + self._config.accept_polling_timeout_seconds
            _close_all(ledger.received())
        if news.finished:
            crowded = bool(self._pending)
            _close_all(ledger.finished(news.finished, clock=time.monotonic(), crowded=crowded))

    def _retire(self, member: _Member) -> None:
        """A child leaves by itself: let it finish, and another take its place."""
        member.leaving = True
        member.complete()
        slot = self._slots[member.slot]
        slot.member = None
        slot.fork_at = time.monotonic() if self._state is StopState.NONE else None
        self._retired.append(member)

    def _bury(self, member: _Member) -> None:
        """A child is dead: deal again what it had not begun, and let another take its place."""
        member.channel.child_is_dead()
        while member.heard:
            self._hear(member)
        self._loop.unwatch(member.child)
        status = member.child.reap(block=True)
        unbegun = member.ledger.reclaim()
        self._remove(member)
        if self._state is StopState.FORCED:
            _close_all(unbegun)
            return
        self._pending.extendleft(reversed(unbegun))
        if member.leaving or self._state is not StopState.NONE:
            return
        name = f"child {member.slot} (pid {member.child.pid})"
        if not self._started:
            self.failure = self.failure or ChildDiedError(name, str(status))
            return
        now = time.monotonic()
        slot = self._slots[member.slot]
        slot.failures = failures_after(slot.failures, served_seconds=now - member.born if member.ready else 0)
        pause = pause_seconds(slot.failures)
        slot.fork_at = now + pause
        _log.warning("%s ended (%s), another takes its place in %g s", name, status, pause)

    def _remove(self, member: _Member) -> None:
        if member.heard:
            self._loop.unwatch(member.channel)
        member.channel.close()
        member.leash.close()
        if member in self._retired:
            self._retired.remove(member)
        else:
            self._slots[member.slot].member = None

    def _fill_slots(self, now: float) -> None:
        if self._state is StopState.GRACEFUL and self._pending and not any(self._takers()):
            # The last of those who could have served what is queued is dead.
            self._slots[0].fork_at = self._slots[0].fork_at or now
        elif self._state is not StopState.NONE:
            for slot in self._slots:
                slot.fork_at = None
            return
        for number, slot in enumerate(self._slots):
            if slot.member is None and slot.fork_at is not None and now >= slot.fork_at:
                try:
                    self._fork(number)
                except OSError as error:
                    slot.failures += 1
                    slot.fork_at = now + pause_seconds(slot.failures + 1)
                    _log.error("cannot fork child %d: %s", number, error.strerror)

    def _takers(self) -> Iterator[_Member]:
        return (member for member in self._living() if not member.completed)

    def _deal(self, *, waited: bool) -> None:
        """Send what is queued to those who have credits; `waited` if they had nothing to do."""
        self._look_at = None
        while self._pending and self._can_deal():
            now = time.monotonic()
            seconds = self._config.process_send_io_polling_timeout_seconds
            loads = [slot.member.load(now=now, unread_seconds=seconds) for slot in self._slots if slot.member]
            shares = plan(loads, len(self._pending), overflow=1 - self.room())
            if not shares:
                if any(load.doubtful for load in loads):
                    self._look_at = now + seconds  # Nobody tells when a stopped child goes on.
                return
            for slot, count in shares.items():
                member = self._slots[slot].member
                assert member is not None, "only members have loads"
                self._send(member, count, now=now, waited=waited)

    def _can_deal(self) -> bool:
        """Whether a thread is idle somewhere, a child may have some ahead, or the process queue cannot hold them."""
        ledgers = (slot.member.ledger for slot in self._slots if slot.member is not None)
        return self.room() <= 0 or any(ledger.idle or ledger.ahead for ledger in ledgers)

    def _send(self, member: _Member, count: int, *, now: float, waited: bool) -> None:
        connections = list(itertools.islice(self._pending, count))
        if member.channel.send(connections) is not Sending.SENT:
            member.blocked = True  # Until it says something, or is found to be dead.
            return
        for _ in connections:
            if self._stats.enabled:
                self._stats.popped(0 if waited else len(self._pending), waited=waited)
            self._pending.popleft()
        self._dealt += 1
        member.dealt = self._dealt
        member.ledger.sent(connections, clock=now)

    def _take_back(self, now: float) -> None:
        """Fetch what a child does not read, perhaps because it was stopped just then, for others to serve."""
        if len(self._slots) == 1 or self._state is StopState.FORCED:
            return
        seconds = self._config.process_send_io_polling_timeout_seconds
        for member in self._living():
            due = member.unread_until(seconds)
            if due is None or now < due:
                continue
            member.looked_at = now
            if self._has_another(member, now=now):
                self._pending.extendleft(reversed(member.ledger.taken_back(member.channel.take_back())))
                member.resting_until = now + seconds

    def _has_another(self, member: _Member, *, now: float) -> bool:
        """Whether someone else takes connections and reads them."""
        seconds = self._config.process_send_io_polling_timeout_seconds
        others = (slot.member for slot in self._slots if slot.member is not None and slot.member is not member)
        loads = (other.load(now=now, unread_seconds=seconds) for other in others)
        return any(load.credits > 0 and not load.doubtful for load in loads)

    def _owes_anything(self) -> bool:
        return bool(self._pending) or any(member.ledger.kept for member in self._living())

    def _drop_pending(self) -> None:
        _close_all(self._pending)
        self._pending.clear()

    def _warn_of_limit(self) -> None:
        config = self._config
        most = config.process_queue_size + config.process_num * (config.thread_num + config.thread_queue_size)
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        if limit != resource.RLIM_INFINITY and most + _OTHER_DESCRIPTORS > limit:
            _log.warning("%d connections may be held at once, but only %d files may be open", most, limit)


def _close_all(descriptors: Sequence[int] | collections.deque[int]) -> None:
    for descriptor in descriptors:
        try:
            os.close(descriptor)
        except OSError:  # What close(2) reports of a socket here is the peer's affair.
            continue


def _wait_for_exit(child: Child, *, seconds: float) -> None:
    poll = select.poll()
    poll.register(child, select.POLLIN)
    poll.poll(seconds * 1000)
