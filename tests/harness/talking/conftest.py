"""A stage for clients and loads: a world without processes, and peers that do what a test tells them.

Everything runs in one event loop; afterwards no socket is watched any more and no task is left.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, cast

import pytest

from harness.engine.actors.client import ClientActor
from harness.engine.actors.load import LoadActor
from harness.engine.endpoints import TcpEndpoint, UnixEndpoint
from harness.engine.lookup import Given, UnpublishedError
from harness.engine.settings import Settings
from harness.engine.verbs import perform
from harness.engine.verdicts import StepFailedError
from harness.engine.world import World
from harness.model.actors import Client, ClientTls, Connections, Load, Reads
from harness.model.fields import Kind
from harness.model.manifest import Manifest
from harness.model.matchers import Equals, Matcher
from harness.model.scenario import Scenario
from harness.model.source import Location
from harness.model.steps import Connect, Step
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
        self._buffer = bytearray()

    async def say(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.sock, data)

    async def hear(self) -> bytes:
        """The next line, or what came before the end."""
        data: bytes | bytearray = self._buffer
        while b"\n" not in data:
            data = await asyncio.get_running_loop().sock_recv(self.sock, 1 << 20)
            if not data:
                break
            self._buffer += data
        end = self._buffer.find(b"\n") + 1 or len(self._buffer)
        line = bytes(self._buffer[:end])
        del self._buffer[:end]
        return line

    async def hear_something(self) -> bytes:
        """Whatever comes next."""
        return await asyncio.get_running_loop().sock_recv(self.sock, 1 << 20)

    def close(self) -> None:
        self.sock.close()

    def reset(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


def bound(host: str, port: int) -> socket.socket:
    """A TCP socket that shares its port with others of ours, of which one may listen."""
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((host, port))
    return sock


class Listener:
    """A listening socket of the test's own; its port is given to nobody else once it is closed, until `forget`."""

    def __init__(self, address: str, *, backlog: int = 64) -> None:
        self._keeper: socket.socket | None = None
        if address.startswith("unix:"):
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.bind(address.removeprefix("unix:"))
            self.address = address
        else:
            self._keeper = bound(address, 0)
            port = self._keeper.getsockname()[1]
            self.sock = bound(address, port)
            self.address = str(TcpEndpoint(address, port))
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

    def forget(self) -> None:
        if self._keeper is not None:
            self._keeper.close()


class Stage:
    """A world with clients `c`, loads, and a daemon `d` that stands for the listener."""

    def __init__(self, workspace: Path, *, time_scale: float = 1.0) -> None:
        self.steps: list[Step] = []
        scenario = Scenario("a", "a", HERE, (), frozenset(), (), (), (), steps=cast("tuple[Step, ...]", self.steps))
        manifest = Manifest(
            name="none", language="", version="1", homepage="", command=(), profiles=frozenset(), directory=""
        )
        self.workspace = workspace
        self.world = World(scenario, manifest, Settings(time_scale=time_scale, root=workspace), workspace, "cookie")
        self.daemon = StandIn("d", None)
        self.world.actors["d"] = self.daemon
        self.listeners: list[Listener] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.add_client("c")

    def listen(self, kind: str = "127.0.0.1", *, backlog: int = 64) -> Listener:
        """Open a listening socket, and let the daemon `d` report its address."""
        address = str(UnixEndpoint(str(self.workspace / f"s{len(self.listeners)}"))) if kind == "unix" else kind
        listener = Listener(address, backlog=backlog)
        self.listeners.append(listener)
        self.daemon.address = listener.address
        return listener

    def add_client(
        self, name: str, to: str = "d", *, tls: ClientTls | None = None, reads: Reads = Reads.AHEAD
    ) -> ClientActor:
        client = ClientActor(Client(name, HERE, self.text(to), tls=tls, reads=reads), self.world)
        self.world.actors[name] = client
        return client

    def add_load(
        self,
        *,
        to: str = "d",
        send: Text | None = None,
        expect: Matcher | None = None,
        clients: int = 2,
        operations: int | None = None,
        connections: Connections = Connections.EACH,
        pause: float = 0.0,
        within: float = 60.0,
    ) -> LoadActor:
        """A load `load` that sends `echo N` and expects `ok N`."""
        number = Reference(("n",), HERE)
        model = Load(
            "load",
            HERE,
            self.text(to),
            send=send or self.text("echo ", number),
            expect=expect or Equals(Scalar(self.text("ok ", number), "ok ${n}")),
            clients=clients,
            operations=operations,
            connections=connections,
            pause=Duration(pause),
            within=Duration(within),
        )
        load = LoadActor(model, self.world)
        self.world.actors["load"] = load
        return load

    def serve(self, listener: Listener, handler: Callable[[Peer], Awaitable[None]]) -> None:
        """Accept whoever comes, and treat each of them with `handler`; the connection is closed when it returns."""

        async def treat(peer: Peer) -> None:
            try:
                await handler(peer)
            except ConnectionError:
                pass  # The load has gone.
            finally:
                peer.close()

        def accept() -> None:
            with suppress(BlockingIOError):
                while True:
                    sock, _ = listener.sock.accept()
                    sock.setblocking(False)
                    peer = Peer(sock)
                    listener.peers.append(peer)
                    self.tasks.append(asyncio.create_task(treat(peer)))

        # Not loop.sock_accept: when it is cancelled it can lose the connection that it has just accepted.
        asyncio.get_running_loop().add_reader(listener.sock, accept)

    def shut(self, listener: Listener) -> None:
        """Stop accepting, and listening."""
        asyncio.get_running_loop().remove_reader(listener.sock)
        listener.close()

    def text(self, *parts: str | Reference) -> Text:
        return Text(parts, HERE)

    def equals(self, written: str) -> Equals:
        return Equals(Scalar(self.text(written), written))

    async def perform(self, step: Step) -> Given:
        """Do the step, and publish what it gives."""
        self.steps.append(step)
        given = await perform(step, self.world)
        if step.as_name is not None:
            self.world.scope.give(step.as_name, given)
            self.world.timeline.marks[step.as_name] = given.mark
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
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for listener in self.listeners:
            if listener.sock.fileno() >= 0:
                self.shut(listener)
            listener.forget()
            for peer in listener.peers:
                peer.close()


async def echo(peer: Peer) -> None:
    """Answer `ok TEXT` to each `echo TEXT`, until there is no more."""
    while line := await peer.hear():
        await peer.say(line.replace(b"echo", b"ok", 1))


@pytest.fixture(name="echo")
def echo_handler() -> Callable[[Peer], Awaitable[None]]:
    """The handler of a good server."""
    return echo


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
