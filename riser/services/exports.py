"""The objects of a service process that others refer to, and who holds them.

    target    object                held by
    0         the control           everybody
    1 ... n   the fronts            everybody
    n+1 ...   given by reference    leases, each so many times

A lease is one client process. Each time a reference is sent to it counts one hold; the client gives its holds up, or
ends and with it all of them. Numbers are never given again, so a reference that is out of date finds nothing, and
never another object (`service.stale`). An object that is referred to travels by reference wherever it turns up.
"""

import contextlib
import logging
import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import NamedTuple

from riser.services.errors import ClientGone, StaleReference
from riser.services.travel import DROPPED

_log = logging.getLogger("riser")

CONTROL = 0
"""The target of what answers for the service process itself."""


class Place(NamedTuple):
    """Which service process this is."""

    pool: bytes
    slot: int
    incarnation: bytes


class Lease:
    """A client process's hold on the objects that it refers to: how many times each."""

    def __init__(self, client: bytes) -> None:
        self.client = client
        self.holds: dict[int, int] = {}
        self.is_over = False


class Exports:
    """The table of objects that are referred to; usable from all threads."""

    def __init__(self, fronts: Sequence[object], *, place: Place, control: object) -> None:
        self.place = place
        self.things: dict[int, object] = dict(enumerate((control, *fronts)))
        """The objects by target, to look up and not to change."""
        self.leases: dict[bytes, Lease] = {}
        self.drivers: dict[int, object] = {}
        """The session that a generator was begun in, and is closed in."""
        self._fronts = len(fronts)
        self._targets = {id(front): target for target, front in enumerate(fronts, 1)}
        self._holders: dict[int, int] = {}
        self._numbers = count(len(fronts) + 1)
        self._lock = threading.Lock()
        self._lease_came = threading.Condition(self._lock)

    def target_of(self, thing: object) -> int | None:
        """The target of an object that is referred to."""
        return self._targets.get(id(thing))

    def is_front(self, target: int) -> bool:
        """Whether it is held by nobody because it is always there."""
        return target <= self._fronts

    def open_lease(self, client: bytes) -> Lease:
        """The lease of a client that has come."""
        with self._lock:
            lease = self.leases[client] = Lease(client)
            self._lease_came.notify_all()
        return lease

    def await_lease(self, client: bytes, seconds: float) -> None:
        """Wait for the lease of a client: that of a forked one comes by its parent's, and its calls may be here first.

        After this time it does not come any more, since the client or its parent is dead.
        """
        with self._lock:
            self._lease_came.wait_for(lambda: client in self.leases, seconds)

    def grant(self, thing: object, client: bytes) -> int:
        """Hold the object once more for this client; raises `ClientGone` if its lease is over."""
        with self._lock:
            lease = self._lease(client)
            target = self._targets.get(id(thing))
            if target is None:
                target = next(self._numbers)
                self._targets[id(thing)] = target
                self.things[target] = thing
                self._holders[target] = 0
            if target > self._fronts:
                self._hold(lease, target)
        return target

    def hold(self, client: bytes, target: int) -> None:
        """Hold once more what a third process has referred the client to; raises `StaleReference`."""
        with self._lock:
            lease = self._lease(client)
            if target not in self.things:
                raise StaleReference(f"object {target}", "nobody holds it any more")
            if target > self._fronts:
                self._hold(lease, target)

    def release(self, client: bytes, target: int, holds: int = 1) -> None:
        """Give up so many holds of this client."""
        with self._lock:
            lease = self.leases.get(client)
            if lease is None or target not in lease.holds:
                return
            lease.holds[target] -= holds
            if lease.holds[target] > 0:
                return
            del lease.holds[target]
            dropped = self._let_go([target])
        _end(dropped)

    def end_lease(self, lease: Lease) -> None:
        """Give up everything that this client holds."""
        with self._lock:
            if lease.is_over:
                return
            lease.is_over = True
            if self.leases.get(lease.client) is lease:
                del self.leases[lease.client]
            dropped = self._let_go(lease.holds)
            lease.holds.clear()
        _end(dropped)

    def copy_holds(self, lease: Lease, targets: Iterable[int], client: bytes) -> Lease:
        """The lease of a client that was forked from the client of `lease`: it holds these, once each."""
        with self._lock:
            forked = self.leases[client] = Lease(client)
            for target in targets:
                if target in lease.holds:
                    self._hold(forked, target)
            self._lease_came.notify_all()
        return forked

    def inherit(self, parent: bytes, targets: Iterable[int], client: bytes) -> Lease:
        """The lease of a client that is about to be forked from another: it holds these of what that one holds."""
        with self._lock:
            lease = self.leases.get(parent)
        return self.copy_holds(Lease(parent) if lease is None else lease, targets, client)

    def held_count(self) -> int:
        """How many objects are held by anyone."""
        return len(self._holders)

    def _lease(self, client: bytes) -> Lease:
        lease = self.leases.get(client)
        if lease is None:
            raise ClientGone("it has no lease")
        return lease

    def _hold(self, lease: Lease, target: int) -> None:
        if target not in lease.holds:
            lease.holds[target] = 0
            self._holders[target] += 1
        lease.holds[target] += 1

    def _let_go(self, targets: Iterable[int]) -> list[object]:
        """Take one holder from each; the objects that have none left."""
        dropped: list[object] = []
        for target in targets:
            self._holders[target] -= 1
            if not self._holders[target]:
                del self._holders[target]
                thing = self.things.pop(target)
                del self._targets[id(thing)]
                dropped.append(thing)
        return dropped


def _end(dropped: list[object]) -> None:
    """Tell objects that nobody holds them, outside of any lock: what they do then is their own affair."""
    while dropped:
        thing = dropped.pop()
        hook = getattr(type(thing), DROPPED, None)
        if hook is not None:
            with _logged(thing):
                hook(thing)
        del thing


@contextlib.contextmanager
def _logged(thing: object) -> Iterator[None]:
    try:
        yield
    except Exception:  # noqa: BLE001 - the client that would want to know is gone
        _log.exception("release of a %s failed", type(thing).__qualname__)
