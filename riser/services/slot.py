"""One place of the pool, as a client sees it: whichever service process is there now, and the connections to it.

    Slot --current--> Incarnation     the process that was there last: its lease, idle links, proxies of its objects
                      Incarnation     one that has died, for as long as proxies refer to it: stale

Idle links are taken last in, first out, so few stay warm. A link found dead before a call has gone out whole is
replaced without a word, since the call was not begun; once it has, the call may have been carried out, and that is for
the caller to know (`ServiceDied`).
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast
from weakref import WeakSet

from riser.services.endpoint import Endpoint
from riser.services.entrance import Access, Entrance
from riser.services.errors import ServiceDied, ServiceError, ServiceTimeout, StaleReference
from riser.services.frames import Wire
from riser.services.handshake import Role, Welcome
from riser.services.incarnation import Incarnation, Lent
from riser.services.lease import ClientLease, legacy_of
from riser.services.limits import Limit, limit_of
from riser.services.link import Link, LostError, UnsentError
from riser.services.registry import CallPolicy

_MOST_IDLE = 128
_MOST_ATTEMPTS = 3
_FORK_SECONDS = 5.0
"""How long a fork may wait for a service process to take note of it, where that needs a connection."""
_ANY = CallPolicy()


class _Binding(threading.local):
    """The link that this thread is bound to."""

    link: Link | None = None


class Slot:
    """A place of the pool; usable from all threads."""

    def __init__(
        self, index: int, endpoint: Endpoint, *, access: Access, fronts: int, client: bytes, lent: Lent
    ) -> None:
        self.index = index
        self.access = access
        self.fronts = fronts
        """How many fronts there are; their targets come first."""
        self.client = client
        """The name of this client process."""
        self.lent = lent
        self.current: Incarnation | None = None
        self.binding = _Binding()
        self._entrance = Entrance(str(self), endpoint, access=access)
        self._links: WeakSet[Link] = WeakSet()
        self._lock = threading.Lock()

    def __str__(self) -> str:
        return f"service process {self.index}"

    def call(
        self,
        target: int,
        method: str | None,
        arguments: tuple[Any, ...],
        named: Mapping[str, Any],
        *,
        policy: CallPolicy = _ANY,
        incarnation: Incarnation | None = None,
        then: Callable[[Link], None] | None = None,
    ) -> Any:
        """What the object's method returns, or raises.

        `incarnation` is that of an object which has one; `then` is called with the link before it is given back.
        Raises `ServiceDied`, `ServiceTimeout`, `StaleReference`, `ServiceUnavailableError`.
        """
        limit = limit_of(policy.timeout_seconds)
        attempts = 0
        while True:
            link = self.take(incarnation, limit)
            try:
                result = link.call(target, method, arguments, named, limit=limit)
                if then is not None:
                    then(link)
            except (UnsentError, LostError) as error:
                attempts += 1
                if not self._may_try_again(error, link, attempts, may_repeat=policy.may_repeat(method)):
                    raise self.failure(error.__cause__, limit) from error.__cause__
            else:
                return result
            finally:
                if not link.bindings:
                    self.give_back(link)
                elif not link.in_step:
                    link.close()

    def leave(self, link: Link, target: int, error: BaseException | None) -> bool:
        """What `__exit__` returns of what was entered over this link, which is then free of it."""
        if link.is_closed:
            if error is not None:
                return False
            raise ServiceDied(str(self), "the connection of an open `with` was lost")
        limit = limit_of(None)
        number = 0
        try:
            fault = None
            if error is not None:
                number = link.remember(error)
                fault = link.fault(error, number)
            result = link.call(target, "__exit__", (fault,), {}, limit=limit)
        except (UnsentError, LostError) as failed:
            if error is not None:
                return False  # What was raised inside says more than that it could not be told.
            raise self.failure(failed.__cause__, limit) from failed.__cause__
        finally:
            link.forget_fault(number)
            self.unbind(link)
        # The service is told of a KeyboardInterrupt and its like, but only an Exception can be kept from the caller.
        return bool(result) and (error is None or isinstance(error, Exception))

    def bind(self, link: Link) -> None:
        """Keep the link to this thread."""
        link.bindings += 1
        self.binding.link = link

    def unbind(self, link: Link) -> None:
        """Keep it no longer, for one of the reasons that there were."""
        link.bindings -= 1
        if link.bindings:
            if not link.in_step:
                link.close()
            return
        link.forget_lent()
        if self.binding.link is link:
            self.binding.link = None
        self.give_back(link)

    def take(self, incarnation: Incarnation | None = None, limit: Limit | None = None) -> Link:
        """A link for one call: the one that this thread is bound to, an idle one, or a new one.

        Raises `StaleReference` if the process of that incarnation is not there any more.
        """
        bound = self.binding.link
        if bound is not None and bound.bindings and not bound.is_closed:
            self._check(bound, incarnation)
            return bound
        current = self.current
        if current is not None and (incarnation is None or incarnation is current):
            try:
                return current.idle.pop()
            except IndexError:
                pass
        link = self._connect(limit)
        try:
            self._check(link, incarnation)
        except StaleReference:
            self.give_back(link)
            raise
        return link

    def give_back(self, link: Link) -> None:
        """Keep a link for the next call, or close it if it cannot be used any more."""
        current = self.current
        if not link.in_step or link.holder is not current or current is None:
            link.close()
        elif len(current.idle) < _MOST_IDLE:
            current.idle.append(link)
        else:
            link.bye()

    def at(self, name: bytes) -> Incarnation:
        """The incarnation of this name; raises `StaleReference` if it is not there any more."""
        if self.current is None or self.current.name != name:
            self.give_back(self._connect(None))
        current = self.current
        if current is None or current.name != name:
            raise self.stale()
        return current

    def connect(self, seconds: float) -> None:
        """See that the service process answers; raises `ServiceUnavailableError` after this time."""
        self.give_back(self._connect(None, seconds))

    def failure(self, cause: BaseException | None, limit: Limit | None) -> ServiceError:
        """What the caller is told of a connection that failed."""
        if isinstance(cause, TimeoutError) and limit is not None:
            return ServiceTimeout(str(self), limit.seconds)
        return ServiceDied(str(self), str(cause) or type(cause).__name__)

    def close(self) -> None:
        """Close all that is open."""
        current, self.current = self.current, None
        if current is not None:
            while current.idle:
                current.idle.pop().bye()
            current.end()
        for link in list(self._links):
            link.close()

    def fork(self, client: bytes) -> tuple[ClientLease, set[int]] | None:
        """The lease of a child that is about to be forked, and what it holds; None if there is nothing to hold."""
        current = self.current
        if current is None or not (held := current.targets()):
            return None
        by_descriptor = self._entrance.passes_descriptors
        lease = (current.lease.fork if by_descriptor else self._fork_lease)(client, sorted(held))
        return None if lease is None else (lease, held)

    def after_fork(self, client: bytes, forked: tuple[ClientLease, set[int]] | None) -> None:
        """In the child: begin anew, and keep what it refers to."""
        for link in list(self._links):
            link.abandon()
        self._links = WeakSet()
        self._lock = threading.Lock()
        self.client = client
        current = self.current
        if current is None:
            return
        if forked is not None:
            current.adopt(*forked)
        else:
            current.lease.close()
            self.current = None

    def _fork_lease(self, client: bytes, targets: Sequence[int]) -> ClientLease | None:
        legacy = legacy_of(self.client, targets)
        try:
            deadline = time.monotonic() + _FORK_SECONDS
            sock, welcome = self._entrance.greet(Role.FORKED_LEASE, client, deadline, legacy=legacy)
        except (OSError, ServiceError):
            return None
        if self.current is not None and welcome.incarnation == self.current.name:
            return ClientLease(sock)
        sock.close()
        return None

    def _may_try_again(self, error: UnsentError | LostError, link: Link, attempts: int, *, may_repeat: bool) -> bool:
        if link.bindings or attempts > _MOST_ATTEMPTS or isinstance(error.__cause__, TimeoutError):
            return False
        # Where one idle link was found dead the others most likely are.
        cast("Incarnation", link.holder).forget_idle()
        return isinstance(error, UnsentError) or may_repeat

    def _check(self, link: Link, incarnation: Incarnation | None) -> None:
        if incarnation is not None and link.holder is not incarnation:
            raise self.stale()

    def stale(self) -> StaleReference:
        """What is said of an object of a process that is not there any more."""
        return StaleReference(f"an object of {self}", "the process that it was in has died")

    def _connect(self, limit: Limit | None, seconds: float | None = None) -> Link:
        return self._entrance.until_open(self._open, limit=limit, seconds=seconds)

    def _open(self, deadline: float) -> Link:
        sock, welcome = self._entrance.greet(Role.CALLS, self.client, deadline)
        try:
            with self._lock:
                current = self._incarnation(welcome, deadline)
        except BaseException:
            sock.close()
            raise
        link = Link(Wire(sock, limit=self.access.message_limit), current)
        self._links.add(link)
        return link

    def _incarnation(self, welcome: Welcome, deadline: float) -> Incarnation:
        """The incarnation of the process that answered, with a lease; the one before it is over."""
        before = self.current
        if before is not None and before.name == welcome.incarnation:
            return before
        sock, of_lease = self._entrance.greet(Role.LEASE, self.client, deadline)
        if of_lease.incarnation != welcome.incarnation:
            sock.close()
            raise ConnectionResetError("another process took its place")
        self.current = current = Incarnation(self, welcome.incarnation, ClientLease(sock))
        if before is not None:
            before.end()
        return current
