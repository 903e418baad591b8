"""Where the objects are that a client refers to: at a place of the pool, and all but fronts in one incarnation of it.

A front is what a name stands for, so it is there again when its process has been replaced. Any other object is gone
with its process, and says so.
"""

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from riser.services.errors import StaleReference
from riser.services.limits import Limit, limit_of
from riser.services.link import LostError, UnsentError
from riser.services.proxy import ForeignPlace
from riser.services.registry import CallPolicy

if TYPE_CHECKING:
    from riser.services.incarnation import Incarnation
    from riser.services.link import Link
    from riser.services.slot import Slot

_ANY = CallPolicy()


class FrontReference:
    """A service's object, whichever process it is in."""

    incarnation: "Incarnation | None" = None

    def __init__(self, slot: "Slot", target: int, policy: CallPolicy = _ANY) -> None:
        self.slot = slot
        self.target = target
        self.policy = policy
        self._entered: list[tuple[int, Link]] = []

    def __str__(self) -> str:
        return f"in {self.slot}"

    def call(self, method: str | None, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
        """What the object's method returns; see `Slot.call`."""
        return self.slot.call(self.target, method, arguments, named, policy=self.policy, incarnation=self.incarnation)

    def read(self, name: str) -> Any:
        """The value of the object's property."""
        return self.call(f".{name}", (), {})

    def enter(self) -> Any:
        """What the object's `__enter__` returns; this thread's calls then share its thread, until `leave`."""

        def then(link: "Link") -> None:
            self.slot.bind(link)
            self._entered.append((threading.get_ident(), link))

        return self.slot.call(
            self.target, "__enter__", (), {}, policy=self.policy, incarnation=self.incarnation, then=then
        )

    def leave(self, error: BaseException | None) -> bool:
        """What the object's `__exit__` returns, for what this thread has entered last."""
        return self.slot.leave(self._last_entered(), self.target, error)

    def drive(self, method: str, arguments: tuple[Any, ...]) -> Any:
        """What the generator's method returns; a front is everybody's, so in whatever thread."""
        return self.call(method, arguments, {})

    def place(self) -> ForeignPlace:
        """Where a third process finds it."""
        incarnation = None if self.incarnation is None else self.incarnation.name
        return ForeignPlace(self.slot.access.pool, self.slot.index, incarnation, self.target)

    def dropped(self) -> None:
        """A front is not held; but a `with` that nobody can leave any more has to end."""
        while self._entered:
            self._entered.pop()[1].close()

    def _last_entered(self) -> "Link":
        thread = threading.get_ident()
        mine = [index for index, (entered_by, _) in enumerate(self._entered) if entered_by == thread]
        if not self._entered:
            raise RuntimeError("the context manager is not entered")
        # Entered in one thread and left in another, as asyncio may do, it is the one that was entered last.
        return self._entered.pop(mine[-1] if mine else -1)[1]


class HeldReference(FrontReference):
    """An object of one incarnation, which is held there."""

    incarnation: "Incarnation"

    def __init__(self, incarnation: "Incarnation", target: int) -> None:
        super().__init__(incarnation.slot, target)
        self.incarnation = incarnation
        self.holds = 1
        """How many times the service counts it as held by this proxy."""
        self._kept: list[object] = []

    def keep(self, thing: object) -> None:
        """Keep this as long as the reference lives."""
        self._kept.append(thing)

    def dropped(self) -> None:
        """Give up what is held."""
        super().dropped()
        if self.holds:
            self.incarnation.lease.drop(self.target, self.holds)


class GeneratorReference(HeldReference):
    """A generator: from its first value to its last it has a link of its own, and so a thread of its own."""

    def __init__(self, incarnation: "Incarnation", target: int) -> None:
        super().__init__(incarnation, target)
        self._link: Link | None = None
        self._is_finished = False
        self._is_lost = False
        self._driving = threading.Lock()

    def drive(self, method: str, arguments: tuple[Any, ...]) -> Any:
        """What the generator's method returns; raises `StaleReference` once its process or connection is lost."""
        if self._is_finished:
            return _finished(method, arguments)
        if self._is_lost:
            raise StaleReference("a generator", "the connection that it ran on was lost")
        if not self._driving.acquire(blocking=False):
            raise ValueError("generator already executing")
        try:
            return self._drive(method, arguments)
        finally:
            self._driving.release()

    def dropped(self) -> None:
        """Close the generator, in its own thread, and give it up."""
        link = self._link
        if link is not None and not link.is_closed:
            link.bye(self.target, self.holds)
            self.holds = 0
        super().dropped()

    def _drive(self, method: str, arguments: tuple[Any, ...]) -> Any:
        limit = limit_of(None)
        while True:
            link = self._own_link(limit)
            if link.bindings:
                # The link of an open `with` does not become the generator's own.
                self._link = None
                return self.call(method, arguments, {})
            try:
                result = link.call(self.target, method, arguments, {}, limit=limit)
            except StopIteration:
                self._finish(link)
                raise
            except UnsentError:
                link.close()
                self.incarnation.forget_idle()
            except LostError as lost:
                raise self.slot.failure(lost.__cause__, limit) from lost.__cause__
            else:
                if method == "close":
                    self._finish(link)
                return result
            finally:
                if not link.in_step and not link.is_closed:
                    self._is_lost = True
                    link.close()

    def _own_link(self, limit: Limit | None) -> "Link":
        if self._link is None or self._link.is_closed:
            self._link = self.slot.take(self.incarnation, limit)
        return self._link

    def _finish(self, link: "Link") -> None:
        self._is_finished = True
        self._link = None
        self.slot.give_back(link)


def _finished(method: str, arguments: tuple[Any, ...]) -> None:
    match method:
        case "close":
            return
        case "throw":
            raise arguments[0]
        case _:
            raise StopIteration
