"""Everything that happens in one item, in order, on one clock; and the pulse that wakes whoever waits for it.

A mark is both a time and a position: elapsed times are counted from its time, and whether something came "after the
mark" is decided by its position, which cannot be equal for two things.
"""

from __future__ import annotations

import time
from asyncio import Future, get_running_loop
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.model.timeline import Moment, What

if TYPE_CHECKING:
    from collections.abc import Callable

HARNESS = "harness"
"""Who does the steps, in the timeline."""


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A point of the timeline: what is recorded at `index` or later comes after it."""

    index: int
    at: float
    """Seconds since the item began."""


class Pulse:
    """Wakes all waiters at once, whatever it was that happened; each of them looks for itself.

    Beats of one turn of the loop cost one wake-up. It belongs to one event loop and one thread.
    """

    def __init__(self) -> None:
        self._next: Future[None] | None = None
        self._is_mute = False
        self.reason: Exception | None = None
        """What `stop` was given first."""

    def beat(self) -> None:
        """Wake all who wait."""
        if self._next is not None:
            self._next.set_result(None)
            self._next = None

    def next(self) -> Future[None]:
        """The next beat; shared, so it must be shielded from cancellation."""
        if self._next is None:
            self._next = get_running_loop().create_future()
        return self._next

    def stop(self, reason: Exception) -> None:
        """End every wait of the item, now and from now on, with `reason`; the first reason stays."""
        if self.reason is None:
            self.reason = reason
        self.beat()

    def mute(self) -> None:
        """From now on `stop` ends no wait: the clean-up must be able to wait whatever has happened."""
        self._is_mute = True

    def check(self) -> None:
        """Raise the reason given to `stop`, if there was one and waits are to end."""
        if self.reason is not None and not self._is_mute:
            raise self.reason


class Timeline:
    """The moments of one item; every record is also a beat of its pulse."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._start = clock()
        self.moments: list[Moment] = []
        self.marks: dict[str, Mark] = {}
        """The marks that steps were given names for with `as`."""
        self.pulse = Pulse()

    def now(self) -> float:
        """Seconds since the item began."""
        return self._clock() - self._start

    def record(self, actor: str, what: What, text: str, *, pid: int | None = None) -> int:
        """Add a moment that happens now, wake all waiters, and give the moment's index."""
        self.moments.append(Moment(self.now(), actor, what, text, pid))
        self.pulse.beat()
        return len(self.moments) - 1

    def mark(self) -> Mark:
        """A mark at this instant: what has been recorded is before it, what will be is after."""
        return Mark(len(self.moments), self.now())

    def mark_of(self, index: int) -> Mark:
        """A mark just after the moment at `index`, with that moment's time."""
        return Mark(index + 1, self.moments[index].at)
