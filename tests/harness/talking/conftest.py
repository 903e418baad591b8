"""A stage for clients and loads: a world without processes, and peers that do what a test tells them.

Everything runs in one event loop; afterwards no socket is watched any more and no task is left.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest

from harness.engine.actors.client import ClientActor
from harness.engine.endpoints import TcpEndpoint, UnixEndpoint
from harness.engine.lookup import Given, UnpublishedError
from harness.engine.settings import Settings
from harness.engine.verbs import talking
from harness.engine.verdicts import StepFailedError
from harness.engine.world import World
from harness.model.actors import Client
from harness.model.fields import Kind
from harness.model.manifest import Manifest
from harness.model.matchers import Equals
from harness.model.scenario import Scenario
from harness.model.source import Location
from harness.model.steps import Close, Connect, Expect, Send, Step, Talk
from harness.model.values import Duration, Name, Reference, Scalar, Text

if TYPE_CHECKING:
    from pathlib import Path

HERE = Location("a.yaml", 1, 1)
GENEROUS = Duration(60.0)
"""A limit that is not reached."""


class StandIn:
    """What a client sees of a daemon: an address, and an obituary once it is dead."""

    kind = Kind.DAEMON

    def __init__(self, name: str, address: str | None) -> None:
        self.name = name
        self.address = address
        self.death: str | None = None

    def published(self, name: str) -> object:
        if name != "address" or self.address is None:
            raise UnpublishedError(f"{self.name} has not reported before_start")
        return self.address

    def obituary(self) -> str | None:
        return self.death

    async def release(self) -> None:
        pass


class Peer:
    """The other end of one connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._buffer = b""

    async def say(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.sock, data)

    async def hear(self) -> bytes:
        """The next line, or what came before the end."""
        while b"\n" not in self._buffer:
            data = await asyncio.get_running_loop().sock_recv(self.sock, 65536)
            if not data:
                rest, self._buffer = self._buffer, b""
                return rest
            self._buffer += data
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line + b"\n"

    def close(self) -> None:
        self.sock.close()

    def reset(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


class Listener:
    """A listening socket of the test's own."""

    def __init__(self, address: str, *, backlog: int = 64) -> None:
        if address.startswith("unix:"):
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.bind(address.removeprefix("unix:"))
            self.address = address
        else:
            self.sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.sock.bind((address, 0))
            self.address = str(TcpEndpoint(address, self.sock.getsockname()[1]))
        self.sock.setblocking(False)
        self.sock.listen(backlog)
        self.peers: list[Peer] = []

    async def accept(self) -> Peer:
        sock, _ = await asyncio.get_running_loop().sock_accept(self.sock)
        peer = Peer(sock)
        self.peers.append(peer)
        return peer

    def close(self) -> None:
        self.sock.close()

    def close_all(self) -> None:
        self.close()
        for peer in self.peers:
            peer.close()


class Stage:
    """A world with clients `c`, loads, and a daemon `d` that stands for the listener."""

    def __init__(self, workspace: Path, *, time_scale: float = 1.0) -> None:
        scenario = Scenario(
            path="a", title="a", location=HERE, clauses=(), needs=frozenset(), tags=(), cell=(), actors=(), steps=()
        )
        manifest = Manifest(
            name="none", language="", version="1", homepage="", command=(), profiles=frozenset(), directory=""
        )
        self.workspace = workspace
        self.world = World(scenario, manifest, Settings(time_scale=time_scale, root=workspace), workspace, "cookie")
        self.daemon = StandIn("d", None)
        self.world.actors["d"] = self.daemon
        self.listeners: list[Listener] = []
        self.add_client("c")

    def listen(self, kind: str = "127.0.0.1", *, backlog: int = 64) -> Listener:
        """Open a listening socket, and let the daemon `d` report its address."""
        address = str(UnixEndpoint(str(self.workspace / f"s{len(self.listeners)}"))) if kind == "unix" else kind
        listener = Listener(address, backlog=backlog)
        self.listeners.append(listener)
        self.daemon.address = listener.address
        return listener

    def add_client(self, name: str, to: str = "d") -> ClientActor:
        client = ClientActor(Client(name, HERE, self.text(to)), self.world)
        self.world.actors[name] = client
        return client

    def text(self, *parts: str | Reference) -> Text:
        return Text(parts, HERE)

    def equals(self, written: str) -> Equals:
        return Equals(Scalar(self.text(written), written))

    async def perform(self, step: Step) -> Given | None:
        """Do the step, and publish what it gives."""
        match step:
            case Connect():
                given = await talking.connect(step, self.world)
            case Close():
                given = await talking.close(step, self.world)
            case Send():
                given = await talking.send(step, self.world)
            case Expect():
                given = await talking.expect(step, self.world)
            case Talk():
                given = await talking.talk(step, self.world)
            case _:
                raise AssertionError(step)
        if step.as_name is not None:
            self.world.scope.give(step.as_name, given)
        return given

    async def failure(self, step: Step) -> StepFailedError:
        """The failure that the step ends with."""
        with pytest.raises(StepFailedError) as caught:
            await self.perform(step)
        return caught.value

    async def connected(self, listener: Listener, name: str = "c") -> Peer:
        """Connect the client, and give its peer."""
        await self.perform(Connect(HERE, of=Name((name,), HERE), within=GENEROUS))
        return await listener.accept()

    async def clear(self) -> None:
        for actor in self.world.actors.values():
            await actor.release()
        for listener in self.listeners:
            listener.close_all()


Script = Callable[[Stage], Awaitable[None]]


@pytest.fixture
def play(tmp_path: Path) -> Callable[..., None]:
    """Runs a script on a stage, and sees to it that nothing is left of it."""

    async def on_stage(script: Script, time_scale: float) -> None:
        stage = Stage(tmp_path, time_scale=time_scale)
        try:
            async with asyncio.timeout(120):
                await script(stage)
        finally:
            await stage.clear()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        loop = asyncio.get_running_loop()
        assert isinstance(loop, asyncio.SelectorEventLoop)
        watched = [key.fd for key in loop._selector.get_map().values()]  # type: ignore[attr-defined] # no public way to see what is watched
        assert len(watched) == 1, "only the loop's own wake-up socket is watched"

    def run(script: Script, *, time_scale: float = 1.0) -> None:
        asyncio.run(on_stage(script, time_scale))

    return run
