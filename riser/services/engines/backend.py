"""The pool on a cluster, seen from the process that starts it, from those it forks, and from the service processes.

server process, its children        inner services: a pool of one, the connector      resolve over a Unix socket
service processes                   what the connector calls home with                 resolve over TCP
"""

import os
import time
from functools import partial
from typing import Any

from riser.services.client import Client, ClientBackend
from riser.services.config import ServicesConfig
from riser.services.engines.connector import ENGINE_SECONDS, Connector
from riser.services.engines.engine import Engine
from riser.services.entrance import Access
from riser.services.errors import NotStartedError, ServiceDied, ServiceUnavailableError
from riser.services.handshake import SECRET_BYTES, new_name
from riser.services.registry import Registry
from riser.services.secure import Address, Identity, TcpEndpoint
from riser.services.services import Services

_NAME = "connector"


class PlacedBackend(ClientBackend):
    """Carries calls to service processes that a connector knows the addresses of."""

    def __init__(self, config: ServicesConfig, *, pool: bytes, secret: bytes) -> None:
        super().__init__()
        self.processes = config.process_num
        self._config = config
        self._pool = pool
        self._secret = secret

    def _connector(self) -> Any:
        """The connector's proxy."""
        raise NotImplementedError

    def _fronts(self) -> int:
        """How many services there are."""
        raise NotImplementedError

    def _new_client(self) -> Client:
        endpoints = [TcpEndpoint(partial(self._find, slot)) for slot in range(self.processes)]
        return Client(endpoints, access=access_to(self._pool, self._secret, self._config), fronts=self._fronts())

    def _find(self, slot: int, deadline: float) -> tuple[Address, Identity]:
        try:
            found = self._connector().resolve(slot, max(deadline - time.monotonic(), 0))
        except ServiceDied as error:
            raise ConnectionResetError(str(error)) from None
        except ServiceUnavailableError as error:
            # That nobody listens where the connector was means that the pool has ended.
            raise ConnectionRefusedError(str(error)) from None
        if found is None:
            raise TimeoutError
        host, port, certificate, key = found
        return Address(host, port), Identity(certificate, key)


class EngineBackend(PlacedBackend):
    """The pool in the server and whatever is forked from it."""

    def __init__(self, registry: Registry, config: ServicesConfig, engine: Engine) -> None:
        super().__init__(config, pool=new_name(), secret=os.urandom(SECRET_BYTES))
        self._registry = registry
        directory = new_name()
        self._inner = Services(
            1,
            start_timeout_seconds=config.start_timeout_seconds,
            stop_timeout_seconds=config.stop_timeout_seconds + ENGINE_SECONDS,
            handshake_timeout_seconds=config.handshake_timeout_seconds,
            connect_timeout_seconds=config.connect_timeout_seconds,
        )

        def connector() -> Connector:
            return Connector(engine, registry, config=config, pool=self._pool, directory=directory, secret=self._secret)

        self._inner.single_process(_NAME, factory=connector, idempotent=True)
        self._inner.lifespan(_NAME)(Connector.running)
        self._is_started = False

    def start_server(self) -> None:
        """Fork the connector and wait until all service processes serve; raises what keeps them from it."""
        if self._is_started:
            raise NotStartedError("the services are started already")
        self._inner.start_server()
        self._is_started = True
        try:
            self._connector().await_start(self._config.start_timeout_seconds)
        except BaseException:
            self.stop_server()
            raise

    def detach_server(self) -> None:
        """Let go of the server's hold on the pool."""
        self._inner.detach_server()

    def stop_server(self) -> None:
        """Have the service processes end, and wait for it."""
        self._is_started = False
        self._inner.stop_server()

    def start_client(self, timeout_seconds: float) -> None:
        """See that every service process answers; raises `NotStartedError` and `ServiceUnavailableError`."""
        self._inner.start_client(timeout_seconds)
        super().start_client(timeout_seconds)

    def stop_client(self) -> None:
        """Close this process's connections."""
        super().stop_client()
        self._inner.stop_client()

    def _connector(self) -> Any:
        return self._inner.get_service(_NAME)

    def _fronts(self) -> int:
        return len(self._registry)


def access_to(pool: bytes, secret: bytes, config: ServicesConfig) -> Access:
    """What gets a client into the processes of a pool."""
    return Access(
        pool=pool,
        secret=secret,
        message_limit=config.message_limit_bytes,
        connect_seconds=config.connect_timeout_seconds,
    )
