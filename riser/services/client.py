"""A process's side of a pool: its slots, the fronts in them, and what it has lent to services."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from riser.services.endpoint import Endpoint
from riser.services.entrance import Access
from riser.services.exports import CONTROL
from riser.services.forks import ForkAware, watch_forks
from riser.services.handshake import new_name
from riser.services.incarnation import Lent
from riser.services.lease import ClientLease
from riser.services.proxy import ForeignPlace, Proxy, proxy_class
from riser.services.reach import clients
from riser.services.references import FrontReference
from riser.services.registry import CallPolicy, Registration
from riser.services.shape import Shape
from riser.services.slot import Slot

_HARMLESS = CallPolicy(idempotent=True)


class _Forking(threading.local):
    """What this thread has prepared for a child: its name, and its leases with what they hold, by slot.

    Nothing for a client that another thread makes while the process is about to fork.
    """

    name = b""
    leases: Mapping[int, tuple[ClientLease, set[int]]] = {}


class Client(ForkAware):
    """Makes the calls of this process, from all its threads, and goes on doing so in a process forked from it."""

    def __init__(self, endpoints: Sequence[Endpoint], *, access: Access, fronts: int) -> None:
        self._lent = Lent()
        name = new_name()
        self.slots = [
            Slot(index, endpoint, access=access, fronts=fronts, client=name, lent=self._lent)
            for index, endpoint in enumerate(endpoints)
        ]
        self._shapes: list[type[Proxy]] = []
        self._fronts: dict[tuple[int, int], Proxy] = {}
        self._forking = _Forking()
        watch_forks(self)
        clients[access.pool] = self

    def connect(self, seconds: float) -> None:
        """See that all service processes answer; raises `ServiceUnavailableError` after this time."""
        for slot in self.slots:
            slot.connect(seconds)

    def call(self, service: Registration, slot: int, arguments: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """What the service's object returns."""
        return self.slots[slot].call(service.index + 1, None, tuple(arguments), named, policy=service.policy)

    def front(self, service: Registration, slot: int) -> Proxy:
        """The proxy of the service's object in this slot."""
        proxy = self._fronts.get((slot, service.index))
        if proxy is None:
            reference = FrontReference(self.slots[slot], service.index + 1, service.policy)
            proxy = self._fronts.setdefault((slot, service.index), self._shape(service, slot)(reference))
        return proxy

    def is_callable(self, service: Registration, slot: int) -> bool:
        """Whether the service's object can be called."""
        return "__call__" in self._shape(service, slot).riser_shape.operators

    def reach(self, place: ForeignPlace, shape: Shape) -> Proxy:
        """A proxy of what another process has referred this one to; raises `StaleReference`."""
        slot = self.slots[place.slot]
        kind = proxy_class(shape)
        if place.incarnation is None:
            return kind(FrontReference(slot, place.target))
        incarnation = slot.at(place.incarnation)
        slot.call(CONTROL, "hold", (place.target,), {}, incarnation=incarnation)
        return incarnation.stand_in(place.target, kind)

    def close(self) -> None:
        """Close all connections."""
        self._fronts.clear()
        for slot in self.slots:
            slot.close()

    def before_fork(self) -> None:
        """Let the child hold what this process refers to, from now on."""
        name = self._forking.name = new_name()
        self._forking.leases = {slot.index: lease for slot in self.slots if (lease := slot.fork(name)) is not None}

    def after_fork_in_parent(self) -> None:
        """Let go of what is the child's."""
        for lease, _ in self._forking.leases.values():
            lease.close()

    def after_fork_in_child(self) -> None:
        """Begin anew with other connections, and the references that are left of the parent's."""
        name = self._forking.name or new_name()
        self._lent.things.clear()
        for slot in self.slots:
            slot.after_fork(name, self._forking.leases.get(slot.index))

    def _shape(self, service: Registration, slot: int) -> type[Proxy]:
        if not self._shapes:
            shapes = self.slots[slot].call(CONTROL, "fronts", (), {}, policy=_HARMLESS)
            self._shapes = [proxy_class(Shape(*shape)) for shape in shapes]
        return self._shapes[service.index]


class ClientBackend(ABC):
    """What every `Backend` does whose services are in other processes: its calls go through a `Client`."""

    def __init__(self) -> None:
        self._client: Client | None = None

    def start_client(self, timeout_seconds: float) -> None:
        """See that every service process answers; raises `NotStartedError` and `ServiceUnavailableError`."""
        self._need_client().connect(timeout_seconds)

    def stop_client(self) -> None:
        """Close this process's connections."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def front(self, service: Registration, slot: int) -> Any:
        """A proxy of the service's object."""
        return self._need_client().front(service, slot)

    def call(self, service: Registration, slot: int, arguments: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """What the service's object returns."""
        return self._need_client().call(service, slot, arguments, named)

    def is_callable(self, service: Registration, slot: int) -> bool:
        """Whether the service's object can be called."""
        return self._need_client().is_callable(service, slot)

    @abstractmethod
    def _new_client(self) -> Client:
        """The client of this process; raises `NotStartedError`."""

    def _need_client(self) -> Client:
        if self._client is None:
            self._client = self._new_client()
        return self._client
