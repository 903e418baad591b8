"""What a gate does with those who have knocked when it is shut."""

import os
import socket
from collections.abc import Callable, Iterator, Sequence

import pytest

from riser.acceptor import Gate
from riser.core.operation import Operation, StopState
from riser.loop import HasDescriptor, Loop
from riser.signals import SignalInbox

from .conftest import eventually, waiting_at


class Hall:
    """A crew that takes in as many as it has room for, and does nothing with them."""

    failure: BaseException | None = None

    def __init__(self, places: int) -> None:
        self.places = places
        self.guests: list[int] = []

    def begin(self, loop: Loop) -> None: ...
    def is_ready(self) -> bool:
        return True

    def room(self) -> int:
        return self.places - len(self.guests)

    def take(self, connections: Sequence[int]) -> None:
        self.guests += connections

    def wait_began(self) -> None: ...
    def wait_ended(self) -> None: ...
    def stop(self, state: StopState) -> None: ...
    def report(self, operation: Operation) -> None: ...
    def advance(self, now: float) -> None: ...
    def wake_at(self) -> float | None:
        return None

    def is_over(self, now: float) -> bool:
        return now > 0

    def end(self) -> None:
        for guest in self.guests:
            os.close(guest)


class StillLoop(Loop):
    """A loop that never turns."""

    def watch(self, descriptor: HasDescriptor | int, callback: Callable[[], None]) -> None: ...
    def unwatch(self, descriptor: HasDescriptor | int) -> None: ...


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def _shut(listening: socket.socket, *, places: int, how: StopState) -> tuple[int, list[bytes | str]]:
    """Three clients that connect before a gate is shut: how many were taken in, and what they read in the end."""
    loop = StillLoop(SignalInbox({}), stop_timeout_seconds=None)
    hall = Hall(places)
    gate = Gate(listening, rest_seconds=0.1)
    gate.begin(loop, hall)
    clients = [socket.create_connection(listening.getsockname(), timeout=60) for _ in range(3)]
    eventually(lambda: waiting_at(listening.getsockname()[1]) == len(clients), "all clients wait to be accepted")
    gate.stop(how)
    taken = len(hall.guests)
    hall.end()
    loop.close()
    return taken, [_read(client) for client in clients]


def _read(client: socket.socket) -> bytes | str:
    with client:
        try:
            return client.recv(1)
        except ConnectionResetError:
            return "reset"


def test_a_graceful_stop_takes_in_who_has_been_connected(listening: socket.socket) -> None:
    """`stop.graceful.queued`, `stop.graceful.refuse`."""
    name = listening.getsockname()
    assert _shut(listening, places=9, how=StopState.GRACEFUL) == (3, [b"", b"", b""])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(name, timeout=60)


def test_a_graceful_stop_takes_in_no_more_than_there_is_room_for(listening: socket.socket) -> None:
    """`server.backpressure`."""
    assert _shut(listening, places=2, how=StopState.GRACEFUL) == (2, [b"", b"", "reset"])


def test_a_forced_stop_takes_in_nobody(listening: socket.socket) -> None:
    assert _shut(listening, places=9, how=StopState.FORCED) == (0, ["reset", "reset", "reset"])
