"""A service process on some machine of a cluster, from its first byte to its exit status.

    order --> enrol at the connector --> make the fronts, callbacks --> listen, tell the connector --> serve --> leave

It ends when the connector says so or is gone, and when the worker is gone that started it.
"""

import contextlib
import logging
import os
import pickle
import sys
import threading
from collections.abc import Callable
from typing import Any

from riser.core.routing import SingleProcess
from riser.errors import CallbackError
from riser.process import EXIT_FAILURE
from riser.services.client import Client
from riser.services.engines.backend import PlacedBackend, access_to
from riser.services.engines.order import Order, unpack
from riser.services.errors import NotStartedError, ServiceError
from riser.services.exports import Place
from riser.services.forks import OnlyHere
from riser.services.handshake import new_name
from riser.services.host import Host
from riser.services.inmate import die_after
from riser.services.registry import CallPolicy, Registry
from riser.services.secure import TcpEndpoint, TcpGuard, listen
from riser.services.services import Services

_log = logging.getLogger("riser")
_STDIN = 0


def main() -> int:
    """Be the service process that standard input asks for; the exit status."""
    size = int.from_bytes(_read_exactly(8), "big")
    path, host, order = pickle.loads(_read_exactly(size))  # noqa: S301 - of the worker that started this process
    sys.path[:] = path
    return serve(pickle.loads(order), host)  # noqa: S301 - as above


def serve(order: Order, host: str) -> int:
    """Make the services, serve them at this address until they are to end, and leave them again; the exit status."""
    die_after(order.config.start_timeout_seconds)
    stop = _Stop()
    stop.at_end_of(lambda: os.read(_STDIN, 1))
    connector = _connector(order)
    # Whoever was here before may still be at its postprocess.
    enrolment = connector.enrol(order.slot)
    stop.at_end_of(enrolment.wait)
    try:
        services = Services(order.config.process_num)
        registry = services.registry = unpack(order.services, services)
        # A service may call others, and be referred to their objects.
        services.use(OutpostBackend(order, connector, registry))
        fronts = registry.make_fronts()
        registry.apply_at_fork(fronts)
        with registry.serving(fronts), listen(host) as listener:
            place = Place(order.pool, order.slot, new_name())
            guard = TcpGuard(order.identity)
            serving = Host(fronts, place=place, secret=order.secret, config=order.config, guard=guard)
            enrolment.open(*listener.getsockname()[:2])
            die_after(0)
            serving.serve(listener, stop.descriptor)
            die_after(order.config.stop_timeout_seconds)
            listener.close()
            serving.see_out()
    except Exception as error:  # noqa: BLE001 - whatever it is, the connector has to know why this process ends
        with contextlib.suppress(ServiceError):
            match error:
                case CallbackError(callback=callback, reason=reason):
                    enrolment.fail(callback, reason)
                case _:
                    enrolment.fail(f"service process {order.slot}", f"{type(error).__name__}: {error}")
        _log.exception("service process %d cannot serve", order.slot)
        return EXIT_FAILURE
    return 0


class OutpostBackend(PlacedBackend):
    """The pool as its own service processes see it: they call each other, and neither start nor stop it."""

    def __init__(self, order: Order, connector: Any, registry: Registry) -> None:
        super().__init__(order.config, pool=order.pool, secret=order.secret)
        self._proxy = connector
        self._registry = registry
        self._need_client()

    def start_server(self) -> None:
        """It runs."""
        raise NotStartedError("the services are started already, and this is one of their processes")

    def detach_server(self) -> None:
        """Nothing is the server's here."""

    def stop_server(self) -> None:
        """It is not for a service to end all of them."""

    def _connector(self) -> Any:
        return self._proxy

    def _fronts(self) -> int:
        return len(self._registry)


class _Stop:
    """A descriptor that becomes readable when the process is to end."""

    def __init__(self) -> None:
        self.descriptor, self._write = os.pipe2(os.O_CLOEXEC)
        self._lock = threading.Lock()
        self._only_here = OnlyHere(self.descriptor, self._write)
        self._is_open = True

    def at_end_of(self, waiting: Callable[[], object]) -> None:
        """End the process when this returns, or raises."""
        threading.Thread(target=self._wait, args=(waiting,), daemon=True).start()

    def _wait(self, waiting: Callable[[], object]) -> None:
        try:
            waiting()
        except (OSError, ServiceError) as error:
            _log.info("a service process ends: %s", error)
        with self._lock:
            if self._is_open:
                self._is_open = False
                os.write(self._write, b"x")


def _connector(order: Order) -> Any:
    """The proxy of the connector."""
    there = order.connector, order.identity
    access = access_to(order.directory, order.secret, order.config)
    client = Client([TcpEndpoint(lambda _deadline: there)], access=access, fronts=1)
    registration = Registry().add(
        "connector", SingleProcess, definition=None, is_made=False, policy=CallPolicy(idempotent=frozenset({"resolve"}))
    )
    return client.front(registration, 0)


def _read_exactly(size: int) -> bytes:
    got = bytearray()
    while len(got) < size:
        piece = os.read(_STDIN, min(size - len(got), 1 << 20))
        if not piece:
            raise EOFError("the worker is gone")
        got += piece
    return bytes(got)
