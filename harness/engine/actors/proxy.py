"""Between clients and a daemon: it passes bytes on, and lets go wrong what a scenario asks for.

    client  <-->  front  | up: recv -> next_move -> send |  back  <-->  daemon
                         | down: send <- next_move <- recv |

Each connection has two tasks, one a direction; no more is read than has been passed on, so that whoever sends to one
who does not read is held up here as he would be by the daemon. Tasks look at the fault anew after every wait, and a
fault that begins at once is carried out before its step ends.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from harness.engine.actors.client import peer_of
from harness.engine.actors.connection import errno_name, new_socket, resolve
from harness.engine.actors.passage import End, Hold, Move, Pass, Plan, garbled, next_move
from harness.engine.endpoints import TcpEndpoint, UnixEndpoint
from harness.engine.lookup import UnpublishedError
from harness.engine.verdicts import StepErroredError, StepFailedError
from harness.model.actors import Listen
from harness.model.fields import Kind
from harness.model.steps import Direction, Disturbance
from harness.model.timeline import What

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from harness.engine.endpoints import Endpoint
    from harness.engine.world import World
    from harness.model.actors import Proxy
    from harness.model.steps import Fault

_READ_SIZE = 65536
_BACKLOG = 128
_LINGER_RESET = struct.pack("ii", 1, 0)


class ProxyActor:
    """Listens from the beginning of the item until its steps are over."""

    kind = Kind.PROXY

    def __init__(self, model: Proxy, world: World) -> None:
        self.name = model.name
        self.plans: dict[Direction, Plan | None] = {Direction.UP: None, Direction.DOWN: None}
        """The faults of new connections."""
        self.passed = {Direction.UP: 0, Direction.DOWN: 0}
        """Bytes passed on in all."""
        self.to = model.to
        """Where it passes connections on to."""
        self.world = world
        self._accepted = 0
        self._connections: list[_Connection] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._reserved, self._endpoint = _reserve(model.listen, world.workspace / f"{model.name}.sock")
        self._listener: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._somebody_comes = asyncio.Event()
        self._listen()

    def published(self, name: str) -> object:
        """The fields that `harness.model.actors.Proxy` names."""
        match name, self._endpoint:
            case "address", _:
                return str(self._endpoint)
            case "host", TcpEndpoint(host, _):
                return host
            case "port", TcpEndpoint(_, port):
                return port
            case "path", UnixEndpoint(path):
                return path
            case "connections", _:
                return self._accepted
            case (("up" | "down"), _):
                return self.passed[Direction(name)]
            case _:
                raise UnpublishedError(f"{self.name} listens at {self._endpoint}")

    def obituary(self) -> str | None:
        """How what is behind it has ended; None while it lives, or nothing is known of it."""
        peer = peer_of(self.to, self.world)
        return None if peer is None else peer.obituary()

    def disturb(self, fault: Fault) -> None:
        """Begin a fault, or end them all."""
        self.world.timeline.record(self.name, What.NOTE, _describe(fault))
        match fault.do:
            case Disturbance.GONE:
                self._stop_listening()
            case Disturbance.RESUME:
                self._set(Direction.BOTH, None)
                self._listen()
            case _:
                self._set(fault.direction, Plan(fault.do, fault.after, fault.rate, fault.count))

    async def release(self) -> None:
        """Close everything, without a word in the timeline."""
        self._stop_listening()
        for connection in self._connections:
            connection.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None

    def begin(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """Let a task do that; a fault of the harness in it ends the item."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._on_done)
        return task

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.world.timeline.pulse.stop(error if isinstance(error, Exception) else RuntimeError(repr(error)))

    def _set(self, direction: Direction, plan: Plan | None) -> None:
        for each in (Direction.UP, Direction.DOWN):
            if direction in (each, Direction.BOTH):
                self.plans[each] = plan
                for connection in self._connections:
                    connection.set(each, plan)

    def _listen(self) -> None:
        if self._listener is not None:
            return
        self._listener = _listening(self._endpoint)
        asyncio.get_running_loop().add_reader(self._listener, self._somebody_comes.set)
        self._accepting = self.begin(self._accept(self._listener))

    def _stop_listening(self) -> None:
        if self._listener is None or self._accepting is None:
            return
        self._accepting.cancel()
        close(self._listener)
        self._listener = None
        if isinstance(self._endpoint, UnixEndpoint):
            Path(self._endpoint.path).unlink(missing_ok=True)

    async def _accept(self, listener: socket.socket) -> None:
        while True:
            # Not loop.sock_accept: when it is cancelled it can lose the connection that it has just accepted.
            await self._somebody_comes.wait()
            self._somebody_comes.clear()
            try:
                front, _ = listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                continue
            front.settimeout(0)
            self._accepted += 1
            connection = _Connection(f"{self.name}#{self._accepted}", front, self)
            self._connections = [each for each in self._connections if not each.is_over]
            self._connections.append(connection)
            connection.begin()


class _Connection:
    """One accepted connection, and the one that it is passed on to."""

    def __init__(self, name: str, front: socket.socket, proxy: ProxyActor) -> None:
        self._name = name
        self._sockets = [front]
        self._proxy = proxy
        self._plans = dict(proxy.plans)
        self._positions = {Direction.UP: 0, Direction.DOWN: 0}
        self._open = len(self._positions)
        self._tasks: list[asyncio.Task[None]] = []
        self._changed = asyncio.Event()

    @property
    def is_over(self) -> bool:
        """Whether both sockets have been closed."""
        return not self._sockets

    def begin(self) -> None:
        """Connect on, and pass on what comes, unless a fault is against it."""
        if not any(self._end_if_planned(direction) for direction in self._plans):
            self._start(self._connect())

    def set(self, direction: Direction, plan: Plan | None) -> None:
        """Let a fault begin here too, or end; one that ends the connection at once does so now."""
        if self._open:
            here = self._positions[direction]
            self._plans[direction] = None if plan is None else replace(plan, begin=here + plan.begin)
            self._end_if_planned(direction)
        self._changed.set()
        self._changed = asyncio.Event()

    def close(self) -> None:
        """Let go of both sockets, and end what is done with them; it may be called twice."""
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()
        self._tasks.clear()
        for sock in self._sockets:
            close(sock)
        self._sockets.clear()
        self._open = 0

    def _start(self, work: Coroutine[object, object, None]) -> None:
        self._tasks.append(self._proxy.begin(work))

    async def _connect(self) -> None:
        try:
            endpoint = self._proxy.world.endpoint(self._proxy.to)
            family, address = resolve(endpoint)
            back = new_socket(family)
            self._sockets.append(back)
            await asyncio.get_running_loop().sock_connect(back, address)
        except (OSError, StepFailedError, StepErroredError) as error:
            self._record(f"cannot be passed on: {errno_name(error) if isinstance(error, OSError) else error.message}")
            self._reset()
            return
        self._record(f"passed on to {endpoint}")
        (front, _) = self._sockets
        self._start(self._carry(front, back, Direction.UP))
        self._start(self._carry(back, front, Direction.DOWN))

    async def _carry(self, source: socket.socket, sink: socket.socket, direction: Direction) -> None:
        """Pass on what comes, until its end, or until a fault or a peer ends the connection."""
        try:
            while data := await asyncio.get_running_loop().sock_recv(source, _READ_SIZE):
                if not await self._pass(data, sink, direction):
                    return
            if not await self._pass(b"", sink, direction):
                return
            sink.shutdown(socket.SHUT_WR)
        except OSError as error:
            self._record(f"{self._so_far()}: {errno_name(error)}")
            self._reset()
            return
        self._one_side_over()

    async def _pass(self, data: bytes, sink: socket.socket, direction: Direction) -> bool:
        """Pass on the data, or the end of the stream where there is none; false when that ends the connection."""
        while True:
            changed = self._changed
            match self._next(direction, len(data)):
                case Pass(count, is_garbled, seconds):
                    portion, data = data[:count], data[count:]
                    self._positions[direction] += count
                    self._proxy.passed[direction] += count
                    await asyncio.get_running_loop().sock_sendall(sink, garbled(portion) if is_garbled else portion)
                    if seconds:
                        with suppress(TimeoutError):
                            await asyncio.wait_for(changed.wait(), seconds)
                    if self._end_if_planned(direction):
                        return False
                    if not data:
                        return True
                case Hold():
                    await changed.wait()
                case End():
                    self._end_if_planned(direction)
                    return False

    def _next(self, direction: Direction, available: int) -> Move:
        return next_move(self._plans[direction], position=self._positions[direction], available=available)

    def _end_if_planned(self, direction: Direction) -> bool:
        """End the connection if a fault is to end it here."""
        match self._next(direction, 0):
            case End(is_reset):
                self._record(f"{'reset' if is_reset else 'ended'} {self._so_far()}")
                if is_reset:
                    self._reset()
                else:
                    self._truncate()
                return True
            case Pass() | Hold():
                return False

    def _reset(self) -> None:
        for sock in self._sockets:
            if sock.family is not socket.AF_UNIX:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
        self.close()

    def _truncate(self) -> None:
        """End both sides in good order. What they still send is taken: an end with bytes unread would be a reset."""
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()
        self._tasks.clear()
        self._open = len(self._sockets)
        self._plans = dict.fromkeys(self._plans)
        for sock in self._sockets:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_WR)
            self._start(self._drain(sock))

    async def _drain(self, sock: socket.socket) -> None:
        with suppress(OSError):
            while await asyncio.get_running_loop().sock_recv(sock, _READ_SIZE):
                pass
        self._one_side_over()

    def _one_side_over(self) -> None:
        self._open -= 1
        if not self._open:
            self.close()

    def _so_far(self) -> str:
        return f"after {self._positions[Direction.UP]} bytes up and {self._positions[Direction.DOWN]} down"

    def _record(self, text: str) -> None:
        self._proxy.world.timeline.record(self._name, What.NOTE, text)


def close(sock: socket.socket) -> None:
    """Close a socket that a task may be waiting on: first the loop forgets it, for the kernel gives its number away."""
    loop = asyncio.get_running_loop()
    loop.remove_reader(sock)
    loop.remove_writer(sock)
    sock.close()


def _reserve(listen: Listen, path: Path) -> tuple[socket.socket | None, Endpoint]:
    """An address that stays ours while nobody listens there: a port that another socket of ours is bound to."""
    match listen:
        case Listen.UNIX:
            return None, UnixEndpoint(str(path))
        case Listen.TCP | Listen.TCP6:
            host = "127.0.0.1" if listen is Listen.TCP else "::1"
            sock = socket.socket(socket.AF_INET if listen is Listen.TCP else socket.AF_INET6)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((host, 0))
            return sock, TcpEndpoint(host, sock.getsockname()[1])
        case _:
            assert_never(listen)


def _listening(endpoint: Endpoint) -> socket.socket:
    family, address = resolve(endpoint)
    sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    if family is not socket.AF_UNIX:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind(address)
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        raise StepErroredError(f"{endpoint} cannot be listened on: {errno_name(error)}") from error
    return sock


def _describe(fault: Fault) -> str:
    words = [fault.do.value]
    if fault.direction is not Direction.BOTH:
        words.append(fault.direction.value)
    if fault.rate is not None:
        words.append(f"{fault.rate} bytes a second")
    if fault.count is not None:
        words.append(f"{fault.count} bytes")
    if fault.after:
        words.append(f"after {fault.after} bytes")
    return ", ".join(words)
