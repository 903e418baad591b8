"""One service process's time at its place, as a client sees it: its lease, idle links, and proxies of its objects.

A process that takes the place of another is another incarnation. What refers to the one before keeps that alive here,
and so knows that it is stale.
"""

import threading
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, cast
from weakref import WeakValueDictionary

from riser.services.lease import ClientLease
from riser.services.link import Link
from riser.services.proxy import GeneratorProxy, Proxy, Reference
from riser.services.references import FrontReference, GeneratorReference, HeldReference

if TYPE_CHECKING:
    from riser.services.slot import Slot


class Lent:
    """What a client process has lent to services, by number."""

    def __init__(self) -> None:
        self.things: dict[int, object] = {}
        self.numbers = count(1)


class Incarnation:
    """One service process's time at a place; for links, it is their `Holder`."""

    def __init__(self, slot: "Slot", name: bytes, lease: ClientLease) -> None:
        self.slot = slot
        self.name = name
        self.lease = lease
        self.idle: list[Link] = []
        self.proxies: WeakValueDictionary[int, Proxy] = WeakValueDictionary()
        self.lent = slot.lent.things
        self.lent_numbers = slot.lent.numbers
        self._lock = threading.Lock()

    def is_home(self, reference: Reference) -> int | None:
        """The target of an object of this process; None if it is another's. Raises `StaleReference`."""
        match reference:
            case HeldReference():
                if reference.slot is self.slot and reference.incarnation is not self:
                    raise self.slot.stale()
                return reference.target if reference.incarnation is self else None
            case FrontReference() if reference.slot is self.slot:
                return reference.target
            case _:
                return None

    def stand_in(self, target: int, shape: type[Proxy]) -> Proxy:
        """The proxy of an object, which has been sent once more."""
        if target <= self.slot.fronts:
            return shape(FrontReference(self.slot, target))
        self.lease.flush()
        with self._lock:
            proxy = self.proxies.get(target)
            if proxy is not None:
                cast("HeldReference", proxy._riser).holds += 1  # noqa: SLF001 - it was made below
                return proxy
            reference = (GeneratorReference if issubclass(shape, GeneratorProxy) else HeldReference)(self, target)
            self.proxies[target] = proxy = shape(reference)
            return proxy

    def targets(self) -> set[int]:
        """The objects that are referred to; other threads may refer to more at any time."""
        with self._lock:
            return set(self.proxies.keys())

    def around_block(self, link: Link) -> Callable[[], None]:
        """Let calls of this thread take this link while a block runs in it."""
        binding = self.slot.binding
        outer, binding.link = binding.link, link
        link.bindings += 1

        def done() -> None:
            link.bindings -= 1
            # A `with` that was entered in the block and goes on keeps the link to this thread.
            if outer is not None or not link.bindings:
                binding.link = outer

        return done

    def forget_idle(self) -> None:
        """Close the idle links, which are not believed to be good any more."""
        while self.idle:
            self.idle.pop().close()

    def end(self) -> None:
        """Close what belongs to a process that is gone."""
        self.forget_idle()
        self.lease.close()

    def adopt(self, lease: ClientLease, held: set[int]) -> None:
        """In a forked child: hold these objects by its own lease, and let the parent's connections be."""
        self.lease.close()
        self.lease = lease
        self.idle = []
        self._lock = threading.Lock()
        for target, proxy in list(self.proxies.items()):
            cast("HeldReference", proxy._riser).holds = int(target in held)  # noqa: SLF001 - it was made above
            held.discard(target)
        for target in held:
            lease.drop(target, 1)
