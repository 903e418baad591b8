"""A bounded queue between threads, made of two unbounded ones: the items, and the places that are free for them.

    push: take a place (wait for one up to the time-out), put the item        pop: take an item, put its place back

`queue.SimpleQueue` hands over in C and without a condition variable, which allocates a lock for each wait and costs ten
times more. It wakes one waiter for each item, so none stays asleep while there is something to do (`server.wakeup`).
"""

import queue
import threading
import time
from typing import Generic, TypeVar

from riser.core.stats import QueueStats, Report
from riser.errors import QueueClosedError

Item = TypeVar("Item")

_PLACE = 1
_NO_PLACE = 0
"""Never one again: the queue is closed."""


class TimeoutSizedQueue(Generic[Item]):
    """Up to `max_size` items in order; RISER's queue of the same name, without its lost wake-ups.

    `stats` are the counters to keep, by default those of a queue of this name and size.
    """

    def __init__(self, max_size: int, *, name: str = "queue", stats: QueueStats | None = None) -> None:
        self.name = name
        self.max_size = max_size
        self._stats = stats or QueueStats(name, max_size)
        self._items: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self._places: queue.SimpleQueue[int] = queue.SimpleQueue()
        for _ in range(max_size):
            self._places.put(_PLACE)
        self._lock = threading.Lock()
        self._closed = False

    def __len__(self) -> int:
        return max(self._items.qsize() - self._closed, 0)

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    @property
    def at_end(self) -> bool:
        """Whether it is closed and nothing is left in it."""
        return self._closed and len(self) == 0

    def push(self, item: Item, timeout_seconds: float) -> bool:
        """Store an item; False, with nothing stored, if no place became free in time (`queue.bounded`).

        Raises `QueueClosedError` if the queue is closed, also while it waits (`queue.close.waiters`).
        """
        if not self._take_place(timeout_seconds):
            return False
        with self._lock:
            if self._closed:
                raise QueueClosedError(self.name)
            self._items.put(item)
        return True

    def pop(self) -> Item | None:
        """The oldest item, as soon as there is one; None when the queue is closed and empty (`queue.close`)."""
        if self._stats.enabled:
            with self._lock:
                size = len(self)
                self._stats.popped(size, waited=size == 0)
        item = self._items.get()
        if item is None:
            self._items.put(None)  # The next who asks must find the end as well.
        else:
            self._places.put(_PLACE)
        return item

    def close(self) -> None:
        """Refuse pushes from now on and wake all who wait; what is stored can still be popped."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._items.put(None)
            self._places.put(_NO_PLACE)

    def stat_start(self) -> None:
        """Begin to count, if counting has not begun."""
        with self._lock:
            self._stats.start(clock=time.monotonic(), wall=time.time())

    def stat_stop(self) -> None:
        """Count no more."""
        with self._lock:
            self._stats.stop()

    def stat_get(self, *, reset: bool = True) -> Report | None:
        """The report of what was counted, or None while nothing is counted."""
        with self._lock:
            if not self._stats.enabled:
                return None
            return self._stats.report(clock=time.monotonic(), wall=time.time(), closed=self._closed, reset=reset)

    def wait_began(self) -> None:
        """Count that someone holds an item for which there is no place, and will hold it until there is."""
        if self._stats.enabled:
            with self._lock:
                self._stats.wait_began(len(self), clock=time.monotonic())

    def wait_ended(self) -> None:
        """Count how long that took."""
        with self._lock:
            self._stats.wait_ended(clock=time.monotonic())

    def _take_place(self, timeout_seconds: float) -> bool:
        place: int | None
        try:
            place = self._places.get_nowait()
        except queue.Empty:
            place = self._wait_for_place(timeout_seconds)
        else:
            if self._stats.enabled:
                with self._lock:
                    self._stats.pushed(len(self))
        if place == _NO_PLACE:
            self._places.put(_NO_PLACE)  # The next pusher must find it too.
            raise QueueClosedError(self.name)
        return place == _PLACE

    def _wait_for_place(self, timeout_seconds: float) -> int | None:
        if self._stats.enabled:
            with self._lock:
                self._stats.push_waited(len(self))
        try:
            return self._places.get(timeout=max(timeout_seconds, 0))
        except queue.Empty:
            if self._stats.enabled:
                with self._lock:
                    self._stats.push_timed_out()
            return None
