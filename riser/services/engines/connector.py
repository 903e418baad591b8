"""The one process that knows the engine: it has service processes placed, and says where they are.

    server --keeper--> connector ==engine==> workers, each starts a service process
    clients --Unix socket--> resolve(slot)
    service processes --TCP--> enrol(slot), open(address), wait()    resolve(slot), as clients of each other

The connector is the only process of a pool of its own, so a keeper starts it again when it dies, and it ends with the
server. Service processes end when it is gone. What it is told comes over leases: the moment a service process dies,
its enrolment is dropped, its address is forgotten, and who asks for it waits for the next one.
"""

import contextlib
import dataclasses
import logging
import os
import pickle
import threading
import time
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from riser.core.backoff import pause_seconds
from riser.errors import CallbackError, RiserError
from riser.services.config import ServicesConfig
from riser.services.engines.engine import Cluster, Engine
from riser.services.engines.identity import new_identity
from riser.services.engines.order import Order, pack
from riser.services.errors import ServiceUnavailableError
from riser.services.exports import Place
from riser.services.handshake import new_name
from riser.services.host import Host
from riser.services.keeper import HEALTHY_SECONDS, SHORT_PAUSE_SECONDS
from riser.services.registry import Registry
from riser.services.secure import Address, TcpGuard, listen
from riser.services.travel import by_reference

_log = logging.getLogger("riser")

ENGINE_SECONDS = 10.0
"""How much longer than a service process may take to end the engine is given to take note of it."""
_JOIN_SECONDS = 0.5


@dataclass(slots=True)
class _Post:
    """One slot: what was placed there, who is enrolled, and how it goes."""

    placement: object = None
    """What stands for the process that the engine was asked for; None if it is not at one."""
    enrolment: "weakref.ref[Enrolment] | None" = None
    address: Address | None = None
    open_since: float | None = None
    failures: int = 0
    """How many in a row did not get ready."""
    due: float | None = 0.0
    """When to place another one."""

    def holder(self) -> "Enrolment | None":
        """Who is enrolled."""
        enrolment = None if self.enrolment is None else self.enrolment()
        return None if enrolment is None or enrolment.is_over else enrolment


class Connector:
    """Places the service processes of a pool and knows their addresses; usable from all threads."""

    def __init__(
        self,
        engine: Engine,
        registry: Registry,
        *,
        config: ServicesConfig,
        pool: bytes,
        directory: bytes,
        secret: bytes,
    ) -> None:
        self._engine = engine
        self._registry = registry
        self._config = config
        self._pool = pool
        self._directory = directory
        self._secret = secret
        self._posts = [_Post() for _ in range(config.process_num)]
        self._changed = threading.Condition()
        self._is_stopping = False
        self._failure: RiserError | None = None
        self._order: Order | None = None
        self._cluster: Cluster | None = None
        self._serving = contextlib.ExitStack()

    # What clients and service processes ask

    def await_start(self, seconds: float) -> None:
        """Wait until all service processes serve; raises what keeps one of them from it."""
        with self._changed:
            self._changed.wait_for(lambda: self._failure or all(post.address for post in self._posts), seconds)
            if self._failure is not None:
                raise self._failure
            if not all(post.address for post in self._posts):
                missing = [slot for slot, post in enumerate(self._posts) if post.address is None]
                raise ServiceUnavailableError("the pool", f"processes {missing} were not ready within {seconds:g} s")

    def resolve(self, slot: int, seconds: float) -> tuple[str, int, str, str] | None:
        """Where the process of this slot listens, and the pool's certificate and key; None if there is none so soon."""
        post = self._posts[slot]
        with self._changed:
            self._changed.wait_for(lambda: post.address or self._is_stopping, seconds)
            if post.address is None or self._order is None:
                return None
            identity = self._order.identity
            return *post.address, identity.certificate, identity.key

    def enrol(self, slot: int) -> "Enrolment":
        """Take the place of a slot, once whoever was there is gone."""
        post = self._posts[slot]
        enrolment = Enrolment(self, slot)
        with self._changed:
            self._changed.wait_for(lambda: post.holder() is None)
            post.enrolment = weakref.ref(enrolment)
        return enrolment

    def pid(self) -> int:
        """The process that this is."""
        return os.getpid()

    # What the enrolled say

    def note_open(self, slot: int, address: Address) -> None:
        """A service process serves."""
        post = self._posts[slot]
        with self._changed:
            post.address, post.open_since = address, time.monotonic()
            self._changed.notify_all()

    def note_failure(self, error: RiserError) -> None:
        """Something keeps service processes from their start; the first is what `await_start` raises."""
        _log.warning("%s", error)
        with self._changed:
            self._failure = self._failure or error
            self._changed.notify_all()

    def note_gone(self, slot: int, enrolment: "Enrolment") -> None:
        """A service process is gone."""
        post = self._posts[slot]
        with self._changed:
            if post.enrolment is not None and post.enrolment() in (enrolment, None):
                post.enrolment = post.address = None
            self._changed.notify_all()

    def await_stop(self, enrolment: "Enrolment") -> None:
        """Wait until the pool is to end, or this enrolment is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_stopping or enrolment.is_over)

    # Life

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Keep the service processes placed, in a thread, and have them end at the end."""
        placing = threading.Thread(target=self._place_all, daemon=True)
        placing.start()
        try:
            yield
        finally:
            deadline = time.monotonic() + self._config.stop_timeout_seconds + ENGINE_SECONDS / 2
            with self._changed:
                self._is_stopping = True
                self._changed.notify_all()
                self._changed.wait_for(
                    lambda: not any(post.placement for post in self._posts), deadline - time.monotonic()
                )
            # It may be waiting for a cluster that does not answer, and has placed nothing then.
            placing.join(_JOIN_SECONDS)
            self._serving.close()
            self._disconnect()

    def _place_all(self) -> None:
        while (slot := self._next_due()) is not None:
            post, placement = self._posts[slot], object()
            try:
                cluster, order = self._connected(slot)
                with self._changed:
                    if self._is_stopping:
                        return
                    post.placement = placement
                cluster.place(slot, order, partial(self._ended, slot, placement))
            except Exception as error:  # noqa: BLE001 - whatever an engine raises, it is tried again
                # An engine's own exception would be loaded where no engine is to be imported.
                told = error if isinstance(error, RiserError) else _unavailable(error)
                self._disconnect()
                self.note_failure(told)
                post.placement = placement
                self._ended(slot, placement, str(told))

    def _next_due(self) -> int | None:
        """The slot that is due, when one is; None if the pool is to end."""
        with self._changed:
            while not self._is_stopping:
                due = sorted((post.due, slot) for slot, post in enumerate(self._posts) if post.due is not None)
                if due and due[0][0] <= time.monotonic():
                    self._posts[due[0][1]].due = None
                    return due[0][1]
                self._changed.wait(due[0][0] - time.monotonic() if due else None)
        return None

    def _ended(self, slot: int, placement: object, why: str) -> None:
        """Take note that what was placed has ended, and plan the next."""
        post = self._posts[slot]
        with self._changed:
            if post.placement is not placement:
                return
            post.placement = None
            if post.open_since is None:
                post.failures += 1
                pause = pause_seconds(post.failures)
            else:
                post.failures = 0
                is_healthy = time.monotonic() - post.open_since >= HEALTHY_SECONDS
                pause = 0.0 if is_healthy else SHORT_PAUSE_SECONDS
            was_open, post.open_since = post.open_since is not None, None
            post.due = time.monotonic() + pause
            if not self._is_stopping:
                _log.warning("service process %d: %s, placed again in %g s", slot, why, pause)
            if not was_open:
                self._failure = self._failure or CallbackError(f"service process {slot}", why)
            self._changed.notify_all()

    def _connected(self, slot: int) -> tuple[Cluster, bytes]:
        if self._cluster is None:
            self._cluster = self._engine.connect()
        if self._order is None:
            self._order = self._serve(self._cluster.host)
        return self._cluster, pickle.dumps(dataclasses.replace(self._order, slot=slot))

    def _disconnect(self) -> None:
        """Let go of a cluster, which may be gone itself."""
        cluster, self._cluster = self._cluster, None
        if cluster is not None:
            with contextlib.suppress(Exception):
                cluster.close()

    def _serve(self, host: str) -> Order:
        """Answer service processes, too; what each of them is sent."""
        services, identity = pack(self._registry, self._engine.extra), new_identity(self._engine.extra)
        listener = self._serving.enter_context(listen(host))
        place = Place(self._directory, 0, new_name())
        serving = Host([self], place=place, secret=self._secret, config=self._config, guard=TcpGuard(identity))
        stop, opened = os.pipe2(os.O_CLOEXEC)
        thread = threading.Thread(target=serving.serve, args=(listener, stop), daemon=True)
        thread.start()
        for step in (lambda: os.close(stop), serving.see_out, thread.join, lambda: os.close(opened)):
            self._serving.callback(step)
        return Order(
            slot=0,
            config=self._config,
            pool=self._pool,
            directory=self._directory,
            secret=self._secret,
            identity=identity,
            connector=Address(*listener.getsockname()[:2]),
            services=services,
        )


@by_reference
class Enrolment:
    """A service process's hold on its slot: over when it lets go of this, at the latest by dying."""

    def __init__(self, connector: Connector, slot: int) -> None:
        self._connector = connector
        self._slot = slot
        self.is_over = False

    def open(self, host: str, port: int) -> None:
        """The process serves, and listens there."""
        self._connector.note_open(self._slot, Address(host, port))

    def fail(self, callback: str, reason: str) -> None:
        """The process cannot serve."""
        self._connector.note_failure(CallbackError(callback, reason))

    def wait(self) -> None:
        """Wait until the process is to end."""
        self._connector.await_stop(self)

    def __riser_dropped__(self) -> None:
        self._end()

    def __del__(self) -> None:
        # Its client may have died before it ever got hold of this.
        self._end()

    def _end(self) -> None:
        if not self.is_over:
            self.is_over = True
            self._connector.note_gone(self._slot, self)


def _unavailable(error: Exception) -> ServiceUnavailableError:
    return ServiceUnavailableError("the cluster", f"{type(error).__name__}: {error}")
