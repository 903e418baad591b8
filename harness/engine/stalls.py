"""When the engine itself stood still: what it saw late then is not the testee's fault.

A timer of the event loop is due every few milliseconds. How late it comes is how long nothing could be sent, received
or noticed, for want of a processor or because of something else that the engine did.

    due .......... due .......... due ------ stall ------> ran .......... due
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_EVERY = 0.02
"""Seconds between two looks. Up to so much of each stall goes unnoticed: it is told too short, never too long."""
_USUAL = 0.02
"""A lateness, in seconds, that is none: any loop that has something to do has it."""


class Stalls:
    """The stalls of one item, on its clock; `clock` gives seconds since the item began."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began: list[float] = []
        self._ended: list[float] = []
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0

    def watch(self) -> None:
        """Look from now on, in the running loop, until `release`."""
        self._due = self._clock() + _EVERY
        self._timer = asyncio.get_running_loop().call_later(_EVERY, self._look)

    def release(self) -> None:
        """Look no more; what has been seen stays."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def add(self, began: float, ended: float) -> None:
        """Note a time in which the engine stood still, after all others."""
        self._began.append(began)
        self._ended.append(ended)

    def within(self, began: float, ended: float) -> float:
        """How many seconds of that span the engine stood still. A stall that no timer has told yet counts as well."""
        total = 0.0
        for index in range(bisect_right(self._ended, began), len(self._ended)):
            if self._began[index] >= ended:
                return total
            total += min(ended, self._ended[index]) - max(began, self._began[index])
        if self._timer is not None and (now := self._clock()) - self._due > _USUAL:
            total += max(0.0, min(ended, now) - max(began, self._due))
        return total

    def _look(self) -> None:
        now = self._clock()
        if now - self._due > _USUAL:
            self.add(self._due, now)
        self.watch()
