"""Where a daemon can stand: one class a phase, each with its own data and nothing else.

`supervision` holds the theory and moves from one phase to the next. `Ground` is what a start is measured against: if
the new server fails, the daemon is back on the ground that it stood on.
"""

import enum
from typing import assert_never

from riser.core.address import Address
from riser.core.config import DaemonConfig
from riser.core.generations import Retired
from riser.core.messages import Effect, Event
from riser.core.operation import Operation
from riser.core.record import Record


class Listening(Record):
    """An open listening socket by its number, and the address and options that it was asked to have."""

    number: int
    address: Address


class New(Record):
    """Nothing has happened yet. As ground: the first start, which has nothing to fall back on."""


class Serving(Record):
    """The server process `server` has been serving at `listening` since the time `since`."""

    server: int
    listening: Listening
    since: float


class Down(Record):
    """As ground: the socket listens, but no server process accepts from it."""

    listening: Listening


Ground = New | Serving | Down


class Opening(Record):
    """The daemon has asked for an address (`asked` is None) or for a listener there, and waits for the answer only."""

    ground: Ground
    restart: Operation | None
    asked: Address | None


class Starting(Record):
    """The server process `server` is being started, to serve at `listening`; after `deadline` it has failed.

    `listening` is the ground's own socket, or a candidate that is kept only if the start succeeds.
    """

    ground: Ground
    restart: Operation | None
    server: int
    listening: Listening
    deadline: float


class Overlapping(Record):
    """Two server processes serve; at `until` the old one is told to stop, by the restart's own way."""

    old: Serving
    new: Serving
    restart: Operation
    until: float


class Pausing(Record):
    """No server process serves or starts; at `until` the next start is due."""

    ground: Down
    until: float


class Stopping(Record):
    """All server processes have been told to stop; when the last is gone the daemon ends so."""

    status: int
    reason: str


class Over(Record):
    """The daemon has ended."""


Phase = New | Opening | Starting | Serving | Overlapping | Pausing | Stopping | Over


class State(Record):
    """All that a daemon knows of itself: its phase, and what lives longer than a phase.

    `retired` are the old generations. `restart` and `stats` are requests that wait for a phase that can fulfil them.
    `failures` counts servers that died in a row. `servers` and `listeners` are the numbers given last. At `beat` the
    next debug line is due.
    """

    config: DaemonConfig
    phase: Phase = New()
    retired: tuple[Retired, ...] = ()
    restart: Operation | None = None
    stats: tuple[Operation, ...] = ()
    failures: int = 0
    servers: int = 0
    listeners: int = 0
    beat: float | None = None


Turn = tuple[State, tuple[Effect, ...]]


class IllegalEventError(Exception):
    """The hands reported something that cannot happen in this phase."""

    def __init__(self, state: State, event: Event) -> None:
        super().__init__(state, event)
        self.state = state
        self.event = event

    def __str__(self) -> str:
        return f"{self.event} cannot happen in {self.state.phase}"


def then(first: Turn, second: Turn) -> Turn:
    """Two turns as one: the state of the second, the effects of both."""
    return second[0], (*first[1], *second[1])


class Condition(enum.Enum):
    """What a daemon's owner wants to know of its phase."""

    STARTING = "starting"
    SERVING = "serving"
    RELOADING = "restarting, still serving"
    DOWN = "no server, trying again"
    STOPPING = "stopping"


def condition_of(phase: Phase) -> Condition:
    """The condition of a daemon in this phase."""
    match phase:
        case New() | Opening(ground=New()) | Starting(ground=New()):
            return Condition.STARTING
        case Serving():
            return Condition.SERVING
        case Opening(ground=Serving()) | Starting(ground=Serving()) | Overlapping():
            return Condition.RELOADING
        case Opening() | Starting() | Pausing():
            return Condition.DOWN
        case Stopping() | Over():
            return Condition.STOPPING
    assert_never(phase)


def serving_server(phase: Phase) -> int | None:
    """The number of the server process that new connections go to, or None."""
    match phase:
        case Serving(server=server) | Overlapping(new=Serving(server=server)):
            return server
        case Opening(ground=Serving(server=server)) | Starting(ground=Serving(server=server)):
            return server
        case _:
            return None


def sockets_of(phase: Phase) -> tuple[Listening, ...]:
    """The listening sockets that a phase holds, each once."""
    match phase:
        case Serving(listening=listening) | Pausing(ground=Down(listening=listening)):
            held: tuple[Listening, ...] = (listening,)
        case Opening(ground=Serving(listening=listening) | Down(listening=listening)):
            held = (listening,)
        case Starting(ground=Serving(listening=listening) | Down(listening=listening), listening=candidate):
            held = (listening, candidate)
        case Starting(ground=New(), listening=candidate):
            held = (candidate,)
        case Overlapping(old=old, new=new):
            held = (old.listening, new.listening)
        case _:
            held = ()
    return tuple({listening.number: listening for listening in held}.values())
