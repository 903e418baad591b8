"""The one loop of every serving process: it sleeps in a selector, without a time limit, until there is something to do.

    one process   listening socket -> Gate  -> Loop -> Threads -> dispatch
    the parent    listening socket -> Gate  -> Loop -> Children == channel ==> a child
    a child       channel -> Inlet          -> Loop -> Threads -> dispatch

A *source* is where connections come from, a *crew* is who takes them. The loop itself knows signals, the stop and its
deadline, and the death of the process above. What the selector calls back only notes what has happened; what follows
from it is done once, at the end of the turn, so that the order of the events within a turn does not matter.
"""

import selectors
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from riser.core.config import ORPHAN_STOP_SECONDS
from riser.core.operation import Operation, StopState, escalate
from riser.signals import SignalInbox


class HasDescriptor(Protocol):
    """Something that a selector can watch."""

    def fileno(self) -> int:
        """The descriptor."""


class Crew(Protocol):
    """Who takes connections: the threads of this process, or child processes."""

    failure: BaseException | None
    """What ends the server, once something has."""

    def begin(self, loop: "Loop") -> None:
        """Start to work; raises what `preprocess` raises."""

    def is_ready(self) -> bool:
        """Whether connections can be taken."""

    def room(self) -> int:
        """How many connections can be taken now."""

    def take(self, connections: Sequence[int]) -> None:
        """Take these descriptors, no more than `room`."""

    def wait_began(self) -> None:
        """Note that a connection waits for room."""

    def wait_ended(self) -> None:
        """Note that it no longer does."""

    def stop(self, state: StopState) -> None:
        """Stop gracefully or forcedly; called at most once for each."""

    def report(self, operation: Operation) -> None:
        """Collect, report or forget statistics."""

    def advance(self, now: float) -> None:
        """Do what follows from the events of this turn."""

    def wake_at(self) -> float | None:
        """When the loop has to turn if nothing happens until then."""

    def is_over(self, now: float) -> bool:
        """Whether a crew that has been stopped has nothing left to do."""

    def end(self) -> None:
        """Wind up; called exactly once after a `begin` that succeeded."""


class Source(Protocol):
    """Where connections come from: a listening socket, or the parent process."""

    def begin(self, loop: "Loop", crew: Crew) -> None:
        """Let connections in, whenever the crew has room for them."""

    def stop(self, state: StopState) -> None:
        """Let no new ones in."""

    def advance(self, now: float) -> None:
        """Do what follows from the events of this turn."""

    def wake_at(self) -> float | None:
        """When the loop has to turn if nothing happens until then."""

    def is_over(self) -> bool:
        """Whether no connection will come any more."""


class Loop:
    """Brings a source, a crew and the signals of this process together, until a stop is complete."""

    def __init__(self, inbox: SignalInbox, *, stop_timeout_seconds: float | None) -> None:
        self.state = StopState.NONE
        self._inbox = inbox
        self._stop_timeout = stop_timeout_seconds
        self._deadline: float | None = None
        self._operations: list[Operation] = []
        self._selector = selectors.DefaultSelector()

    def watch(self, descriptor: HasDescriptor | int, callback: Callable[[], None]) -> None:
        """Call back in every turn in which the descriptor is readable."""
        self._selector.register(descriptor, selectors.EVENT_READ, callback)

    def unwatch(self, descriptor: HasDescriptor | int) -> None:
        """Call back no more; to be said before the descriptor is closed."""
        self._selector.unregister(descriptor)

    def wake(self) -> None:
        """Make the loop turn once; from any thread."""
        self._inbox.wake()

    def request(self, operation: Operation) -> None:
        """Let an operation follow from this turn."""
        self._operations.append(operation)

    def orphaned(self) -> None:
        """The process above is dead: stop gracefully, within bounds (`server.parent.death`)."""
        self.request(Operation.STOP_GRACEFUL)
        self._stop_within(ORPHAN_STOP_SECONDS)

    def run(
        self, source: Source, crew: Crew, *, ready: Callable[[], None] | None = None, latch: int | None = None
    ) -> None:
        """Serve until stopped; `ready` is called once, when connections are let in.

        The end of `latch` means that the process above has died. Raises what `preprocess` or, under the policy stop,
        `dispatch` raised, after everything has been wound up.
        """
        with self._selector:
            self.watch(self._inbox, self._read_inbox)
            if latch is not None:
                self.watch(latch, lambda: self._lost_parent(latch))
            crew.begin(self)
            try:
                self._serve(source, crew, ready=ready)
            except BaseException:
                source.stop(StopState.FORCED)
                crew.stop(StopState.FORCED)
                raise
            finally:
                crew.end()
        if crew.failure is not None:
            raise crew.failure

    def close(self) -> None:
        """Close the selector; what a forked child does with its parent's."""
        self._selector.close()

    def _serve(self, source: Source, crew: Crew, *, ready: Callable[[], None] | None) -> None:
        self._read_inbox()
        begun = False
        while True:
            now = time.monotonic()
            self._obey(source, crew, now=now)
            if not begun and self.state is StopState.NONE and crew.is_ready():
                begun = True
                source.begin(self, crew)
                if ready is not None:
                    ready()
            source.advance(now)
            crew.advance(now)
            if self._is_over(source, crew, now=now):
                return
            for key, _ in self._selector.select(self._seconds_to_sleep(source, crew, now=now)):
                key.data()

    def _obey(self, source: Source, crew: Crew, *, now: float) -> None:
        if crew.failure is not None or (self._deadline is not None and now >= self._deadline):
            self._operations.append(Operation.STOP_FORCED)
        operations, self._operations = self._operations, []
        for operation in operations:
            state = escalate(self.state, operation)
            if state is not self.state:
                self.state = state
                if state is StopState.GRACEFUL and self._stop_timeout is not None:
                    self._stop_within(self._stop_timeout)
                source.stop(state)
                crew.stop(state)
            else:
                crew.report(operation)

    def _is_over(self, source: Source, crew: Crew, *, now: float) -> bool:
        match self.state:
            case StopState.NONE:
                return False
            case StopState.GRACEFUL:
                return source.is_over() and crew.is_over(now)
            case StopState.FORCED:
                return crew.is_over(now)

    def _seconds_to_sleep(self, source: Source, crew: Crew, *, now: float) -> float | None:
        deadline = self._deadline if self.state is StopState.GRACEFUL else None
        moments = [moment for moment in (deadline, source.wake_at(), crew.wake_at()) if moment is not None]
        return max(min(moments) - now, 0) if moments else None

    def _stop_within(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        self._deadline = deadline if self._deadline is None else min(self._deadline, deadline)

    def _read_inbox(self) -> None:
        self._operations.extend(self._inbox.drain())

    def _lost_parent(self, latch: int) -> None:
        self.unwatch(latch)
        self.orphaned()
