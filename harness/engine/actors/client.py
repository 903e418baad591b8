"""A client: one connection at a time, opened and ended by the scenario's steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from harness.engine.actors.connection import Connection, dial
from harness.engine.actors.secure import SecureSocket, security_of, shake_hands
from harness.engine.lookup import UnpublishedError
from harness.engine.verdicts import StepErroredError
from harness.model.actors import Reads
from harness.model.fields import Kind
from harness.model.values import Reference

if TYPE_CHECKING:
    import socket

    from harness.engine.endpoints import Endpoint
    from harness.engine.waits import Limit
    from harness.engine.world import World
    from harness.model.actors import Client
    from harness.model.values import Text


@runtime_checkable
class Mortal(Protocol):
    """An actor that can die, and then says how."""

    def obituary(self) -> str | None:
        """A clause that says that, and how, it has ended; None while it lives."""


def peer_of(to: Text, world: World) -> Mortal | None:
    """The daemon or process that stands behind `client: d` or `client: "127.0.0.1:8080"`, if it can be told."""
    names = [str(to), *(part.path[0] for part in to.parts if isinstance(part, Reference))]
    actors: list[object] = [world.actors.get(name) for name in names]
    return next((actor for actor in actors if isinstance(actor, Mortal)), None)


class ClientActor:
    """The running half of a `client`."""

    kind = Kind.CLIENT

    def __init__(self, model: Client, world: World) -> None:
        self.name = model.name
        self._model = model
        self._world = world
        self._connection: Connection | None = None

    @property
    def endpoint(self) -> Endpoint:
        """Where it would connect to now. Raises StepFailedError while its daemon has reported no address."""
        return self._world.endpoint(self._model.to)

    @property
    def connection(self) -> Connection:
        """The connection that the last `connect` opened. Raises StepErroredError when there is none."""
        if self._connection is None:
            raise StepErroredError(f"{self.name} is not connected: a connect step must come before")
        return self._connection

    def published(self, name: str) -> object:
        """`local`, its own address; `received`, the bytes that have come; `protocol`, what ALPN has agreed on."""
        match name:
            case _ if self._connection is None:
                raise UnpublishedError(f"{self.name} is not connected")
            case "local":
                return self._connection.local
            case "received":
                return self._connection.received
            case "protocol" if self._connection.protocol is None:
                raise UnpublishedError(f"{self.name} has agreed on no protocol")
            case "protocol":
                return self._connection.protocol
            case _:
                raise UnpublishedError(f"a client has no {name}")

    async def connect(self, endpoint: Endpoint, limit: Limit) -> Connection:
        """Open the connection; one that the peer has ended is let go.

        Raises OSError when it is refused, HandshakeError when the two cannot agree on TLS, StepFailedError when it
        takes too long, and StepErroredError while the last connection is open and for TLS settings of no use.
        """
        if self._connection is not None and self._connection.ended is None:
            raise StepErroredError(f"{self.name} is connected already: close it first")
        self._let_go()
        sock = await self._reach(endpoint, limit)
        reads_ahead = self._model.reads is Reads.AHEAD
        self._connection = Connection(self.name, sock, self._world.timeline, reads_ahead=reads_ahead)
        return self._connection

    async def _reach(self, endpoint: Endpoint, limit: Limit) -> socket.socket | SecureSocket:
        world, tls = self._world, self._model.tls
        if tls is None:
            return await dial(endpoint, pulse=world.timeline.pulse, limit=limit)
        security = security_of(self.name, tls, endpoint, scope=world.scope, workspace=world.workspace)
        sock = await dial(endpoint, pulse=world.timeline.pulse, limit=limit)
        waited_for = f"TLS handshake with {endpoint}"
        return await shake_hands(sock, security, pulse=world.timeline.pulse, limit=limit, waited_for=waited_for)

    def forget(self) -> None:
        """There is no connection any more: the scenario has closed it."""
        self._connection = None

    def peer_obituary(self) -> str | None:
        """How the daemon or process behind the connection has died; None if it lives, or nothing is known of it."""
        peer = peer_of(self._model.to, self._world)
        return None if peer is None else peer.obituary()

    @property
    def has_known_peer(self) -> bool:
        """Whether the death of what is behind the connection would be heard of."""
        return peer_of(self._model.to, self._world) is not None

    async def release(self) -> None:
        """Close what is open, without a word in the timeline."""
        self._let_go()

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.release()
            self._connection = None
