"""Services without service processes whose calls take the same way all the same: so that a test finds out, without
processes, what a pool would refuse.

    caller --Client--> socket pair --Session, in a thread of its own--> the object, in the same process
"""

import os
import socket
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from riser.services.client import Client
from riser.services.config import ServicesConfig
from riser.services.entrance import Access
from riser.services.errors import NotStartedError
from riser.services.exports import Place
from riser.services.handshake import SECRET_BYTES, new_name
from riser.services.host import Host
from riser.services.local import LocalBackend
from riser.services.registry import Registration, Registry


class StrictBackend(LocalBackend):
    """Carries calls through the whole protocol to this very process."""

    passes_descriptors: ClassVar[bool] = True

    def __init__(self, registry: Registry, config: ServicesConfig) -> None:
        super().__init__(registry)
        self._config = config
        self._pool = new_name()
        self._secret = os.urandom(SECRET_BYTES)
        self._host: Host | None = None
        self._client: Client | None = None

    def start_server(self) -> None:
        """Make the fronts, call `preprocess`, and be ready for connections."""
        super().start_server()
        place = Place(self._pool, 0, new_name())
        self._host = Host(self.fronts, place=place, secret=self._secret, config=self._config)

    def stop_server(self) -> None:
        """End all connections and call `postprocess`."""
        host, self._host = self._host, None
        if host is not None:
            host.see_out()
        super().stop_server()

    def start_client(self, timeout_seconds: float) -> None:
        """Make the first connection."""
        super().start_client(timeout_seconds)
        self._need_client().connect(timeout_seconds)

    def stop_client(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def front(self, service: Registration, slot: int) -> Any:
        """A proxy of the object."""
        return self._need_client().front(service, slot)

    def call(self, service: Registration, slot: int, arguments: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """What the object returns."""
        return self._need_client().call(service, slot, arguments, named)

    def is_callable(self, service: Registration, slot: int) -> bool:
        """Whether the object can be called."""
        return self._need_client().is_callable(service, slot)

    def connect(self, deadline: float) -> socket.socket:
        """A connection to this process; for the client, this is its `Endpoint`."""
        del deadline
        if self._host is None:
            raise ConnectionRefusedError
        ours, theirs = socket.socketpair()
        self._host.let_in(theirs)
        return ours

    def _need_client(self) -> Client:
        if self._client is None:
            if self._host is None:
                raise NotStartedError("the services are not started")
            access = Access(
                pool=self._pool,
                secret=self._secret,
                message_limit=self._config.message_limit_bytes,
                connect_seconds=self._config.connect_timeout_seconds,
            )
            self._client = Client([self], access=access, fronts=len(self.fronts))
        return self._client
