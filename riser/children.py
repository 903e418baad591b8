"""The parent's side of its children: fork, replace, stop. The parent itself has no threads.

Since there are no threads, a child can be forked at any time: one that dies is replaced at once, and with growing
pauses if it goes on dying, while its siblings serve on. What it had not begun is dealt again (`riser.dealer`).
"""

import contextlib
import functools
import itertools
import logging
import math
import resource
import select
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from riser.callbacks import Callbacks
from riser.channel import ChildEnd, channel
from riser.core.backoff import failures_after, pause_seconds
from riser.core.balance import Ledger
from riser.core.config import FORCED_CHILD_SECONDS, FORCED_START_SECONDS, ServerConfig
from riser.core.operation import Operation, StopState
from riser.core.record import Record
from riser.dealer import Dealer, close_all
from riser.errors import ChildDiedError
from riser.leash import Leash
from riser.loop import Loop
from riser.member import Member
from riser.process import Child, spawn
from riser.signals import SignalInbox

_log = logging.getLogger("riser")

_OTHER_DESCRIPTORS = 32
"""What a process has open besides connections, roughly."""

_ORDERS_AGAIN_SECONDS = 0.1
"""How long until a child is offered again what its line was too full for: nobody tells when it has read."""


class Birth(Record):
    """What a child is given: its own inbox, its end of the channel, its slot, and the leash that it is on."""

    inbox: SignalInbox
    channel: ChildEnd
    slot: int
    leash: Leash


Body = Callable[[Birth], int]
"""What a child does, to its exit status."""


class _Slot:
    """A place for one child, and how those before it have fared."""

    def __init__(self) -> None:
        self.member: Member | None = None
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
        self._retired: list[Member] = []
        self._dealer = Dealer(config)
        self._state = StopState.NONE
        self._started = False

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
        return self._dealer.room()

    def take(self, connections: Sequence[int]) -> None:
        """Queue these descriptors and deal what can be dealt."""
        self._dealer.take(connections, self._members())

    def wait_began(self) -> None:
        """Count a push that waits."""
        self._dealer.wait_began()

    def wait_ended(self) -> None:
        """Count how long it waited."""
        self._dealer.wait_ended()

    def stop(self, state: StopState) -> None:
        """Tell every living child; if forced, drop what is queued and set the time by which they have to be gone."""
        self._state = state
        if state is StopState.FORCED:
            self._dealer.drop()
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
        if operation not in (Operation.STAT_GET_AND_RESET, Operation.STAT_GET_NO_RESET, Operation.STAT_STOP):
            return
        report = self._dealer.report(operation, closed=self._state is not StopState.NONE)
        if report is not None:
            self._callbacks.reporting(report)
        for member in self._living():
            member.channel.order(operation)

    def advance(self, now: float) -> None:
        """Fork who is missing, deal what is queued, and bring a stop to its end."""
        self._fill_slots(now)
        for member in self._living():
            member.channel.pay()
        if len(self._slots) > 1 and self._state is not StopState.FORCED:
            self._dealer.take_back(self._living(), self._members(), now=now)
        self._dealer.deal(self._members())
        if self._state is StopState.GRACEFUL and not self._owes_anything():
            for member in self._living():
                member.complete()
        for member in self._living():
            if member.kill_at is not None and now >= member.kill_at:
                member.kill_at = None
                _log.warning("child %d (pid %d) did not stop and is killed", member.slot, member.child.pid)
                member.child.send(signal.SIGKILL)

    def wake_at(self) -> float | None:
        """The next fork that is due, the end of a rest while something is queued, the time to kill, or to try again."""
        moments = [slot.fork_at for slot in self._slots if slot.fork_at is not None]
        takes_back = len(self._slots) > 1 and self._state is not StopState.FORCED
        moments.extend(self._dealer.moments(self._living(), takes_back=takes_back))
        moments.extend(member.kill_at for member in self._living() if member.kill_at is not None)
        if any(member.channel.owes for member in self._living()):
            moments.append(time.monotonic() + _ORDERS_AGAIN_SECONDS)
        return min(moments, default=None)

    def is_over(self, now: float) -> bool:
        """Whether every child has ended."""
        del now
        return not any(self._living())

    def end(self) -> None:
        """Wait, within bounds, for children that are still there, then kill them."""
        self._dealer.drop()
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
            close_all(member.ledger.reclaim())
        self._dealer.drop()
        self._loop.close()

    def _living(self) -> Iterator[Member]:
        return itertools.chain((slot.member for slot in self._slots if slot.member is not None), self._retired)

    def _members(self) -> list[Member]:
        """Those that may be sent something: one a slot, and none that leaves."""
        return [slot.member for slot in self._slots if slot.member is not None]

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
        member = Member(number, child, channel=parent_end, leash=leash, ledger=ledger)
        slot = self._slots[number]
        slot.member = member
        slot.fork_at = None
        if self._state is StopState.GRACEFUL:
            parent_end.order(Operation.STOP_GRACEFUL)
        self._loop.watch(parent_end, functools.partial(self._hear, member))
        self._loop.watch(child, functools.partial(self._bury, member))

    def _hear(self, member: Member) -> None:
        """Take in what a child has said."""
        if not member.heard:
            return
        news = member.channel.receive()
        member.blocked_until = 0.0
        self._dealer.settle(member, news)
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
            member.blocked_until = math.inf
            self._loop.unwatch(member.channel)

    def _retire(self, member: Member) -> None:
        """A child leaves by itself: let it finish, and another take its place."""
        member.leaving = True
        member.complete()
        slot = self._slots[member.slot]
        slot.member = None
        slot.fork_at = time.monotonic() if self._state is StopState.NONE else None
        self._retired.append(member)

    def _bury(self, member: Member) -> None:
        """A child is dead: deal again what it had not begun, and let another take its place."""
        member.channel.child_is_dead()
        # All that it has said is there. The end need not be: what it has forked has the channel, too, and may live on.
        self._hear(member)
        self._loop.unwatch(member.child)
        status = member.child.reap(block=True)
        unbegun = member.ledger.reclaim()
        self._remove(member)
        if self._state is StopState.FORCED:
            close_all(unbegun)
            return
        self._dealer.again(unbegun)
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

    def _remove(self, member: Member) -> None:
        if member.heard:
            self._loop.unwatch(member.channel)
        member.channel.close()
        member.leash.close()
        if member in self._retired:
            self._retired.remove(member)
        else:
            self._slots[member.slot].member = None

    def _fill_slots(self, now: float) -> None:
        if self._state is StopState.GRACEFUL and self._dealer.pending and not any(self._takers()):
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

    def _takers(self) -> Iterator[Member]:
        return (member for member in self._living() if not member.completed)

    def _owes_anything(self) -> bool:
        return self._dealer.pending > 0 or any(member.ledger.kept for member in self._living())

    def _warn_of_limit(self) -> None:
        config = self._config
        most = config.process_queue_size + config.process_num * (config.thread_num + config.thread_queue_size)
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        if limit != resource.RLIM_INFINITY and most + _OTHER_DESCRIPTORS > limit:
            _log.warning("%d connections may be held at once, but only %d files may be open", most, limit)


def _wait_for_exit(child: Child, *, seconds: float) -> None:
    poll = select.poll()
    poll.register(child, select.POLLIN)
    poll.poll(seconds * 1000)
