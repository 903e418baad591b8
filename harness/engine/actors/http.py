"""HTTP over the connection of a client: one request at a time, and the response to it.

The client connects and closes as it does without it, so that TCP, Unix, TLS and a proxy between are all the same here.
While a response is on its way the connection's bytes come here in place of being cut into lines; what comes after it is
the client's again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.engine.actors.client import ClientActor
from harness.engine.actors.response import read_response
from harness.engine.endpoints import TcpEndpoint
from harness.engine.lookup import UnpublishedError
from harness.engine.verdicts import StepErroredError, StepFailedError
from harness.model.fields import Kind
from harness.model.timeline import What

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.engine.actors.connection import Connection
    from harness.engine.actors.response import Response
    from harness.engine.world import World
    from harness.model.actors import Http
    from harness.model.steps import HttpVersion


class HttpActor:
    """The running half of an `http`."""

    kind = Kind.HTTP

    def __init__(self, model: Http, world: World) -> None:
        self.name = model.name
        self.moment: int | None = None
        """The moment of the last response, or of the last request while there is none."""
        self._model = model
        self._world = world
        self._method: str | None = None
        """Of the request that has no response yet."""
        self._version = ""
        self._came = bytearray()
        self._connection: Connection | None = None
        self._last: Response | None = None

    @property
    def client(self) -> ClientActor:
        """Whose connection it uses."""
        return self._world.actor(self._model.of, ClientActor)

    @property
    def came(self) -> bytes:
        """What has come of a response that is not whole."""
        return bytes(self._came)

    def published(self, name: str) -> object:
        """`status`, of the last response."""
        if name != "status" or self._last is None:
            raise UnpublishedError(f"{self.name} has got no response")
        return self._last.status

    def begin(self, method: str, path: str, version: HttpVersion, *, fields: Mapping[str, str], body: str) -> None:
        """Send a request. Raises StepErroredError while one has no response, and when its client is not connected."""
        connection = self.client.connection
        if self._method is not None and self._connection is connection:
            raise StepErroredError(f"{self.name} has a request under way already: a response step must come before")
        if (line := connection.unread_line) is not None:
            raise StepFailedError(f"{line!r} came to {self.client.name} before the request was sent")
        head = {"Host": _host(self.client), **({"Content-Length": str(len(body.encode()))} if body else {})}
        given = {name.lower() for name in fields}
        head = {name: value for name, value in head.items() if name.lower() not in given} | dict(fields)
        lines = [f"{method} {path} HTTP/{version}", *(f"{name}: {value}" for name, value in head.items()), "", body]
        self._method, self._version, self._connection = method, version.value, connection
        self._came.clear()
        connection.divert(self._came.extend)
        self.moment = connection.send("\r\n".join(lines).encode())

    def response(self) -> Response | None:
        """The response to the last request, once it is whole. Raises MalformedResponseError."""
        if self._method is None or self._connection is None:
            raise StepErroredError(f"{self.name} has no request under way: a request step must come before")
        is_over = self._connection.ended is not None
        found = read_response(self.came, method=self._method, version=self._version, is_over=is_over)
        if found is None:
            return None
        rest = self.came[found.size :]
        self._method = None
        self._last = found
        said = f"{found.status} {found.reason}".rstrip()
        self.moment = self._world.timeline.record(self.name, What.RECEIVED, f"{said}, {len(found.body)} bytes of body")
        self._connection.divert(None)
        if rest:
            self._connection.take(rest)
        return found

    async def release(self) -> None:
        """It holds nothing of its own."""


def _host(client: ClientActor) -> str:
    endpoint = client.endpoint
    return str(endpoint) if isinstance(endpoint, TcpEndpoint) else "localhost"
