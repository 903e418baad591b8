"""What the supervisor's hands tell its head (events) and what the head tells the hands (effects).

         events                          effects
    hands ------> step(state, event) ------> hands
    supervisor.py      supervision.py        supervisor.py

Servers and listeners are known here by number, given in the order in which they are asked for; the hands know which
process or socket has which number. Every event carries the monotonic time at which it was seen.
"""

import enum

from riser.core.address import Address
from riser.core.operation import Operation
from riser.core.record import Record


class Begin(Record):
    """The hands are ready: the daemon starts."""

    now: float


class Request(Record):
    """A signal asked for an operation."""

    now: float
    operation: Operation


class AddressKnown(Record):
    """The answer to `AskAddress`: where to listen."""

    now: float
    address: Address


class AddressUnknown(Record):
    """The answer to `AskAddress`: there is no usable address, and why."""

    now: float
    reason: str


class ListenerOpened(Record):
    """The answer to `OpenListener`: it accepts connections."""

    now: float


class ListenerFailed(Record):
    """The answer to `OpenListener`: it could not be opened, and why."""

    now: float
    reason: str


class ServerReady(Record):
    """A server process says that it serves: every callback up to each child's preprocess has run."""

    now: float
    server: int


class ServerFailed(Record):
    """A server process says that it cannot start, and why. It still has to exit."""

    now: float
    server: int
    reason: str


class ServerExited(Record):
    """A server process is gone and has been reaped (or could not be made at all); `how` says in words how it ended."""

    now: float
    server: int
    how: str


class Tick(Record):
    """The time that `wake_at` asked for has come."""

    now: float


Event = (
    Begin
    | Request
    | AddressKnown
    | AddressUnknown
    | ListenerOpened
    | ListenerFailed
    | ServerReady
    | ServerFailed
    | ServerExited
    | Tick
)


class Level(enum.Enum):
    """How much a log line matters, in RISER's words."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"
    FATAL = "FATAL"


class AskAddress(Record):
    """Look up `listen_address`; answered by `AddressKnown` or `AddressUnknown` before any other event."""


class OpenListener(Record):
    """Open a listening socket; answered by `ListenerOpened` or `ListenerFailed` before any other event."""

    listener: int
    address: Address


class TuneListener(Record):
    """Apply the address's options (backlog, mode, ownership) to a socket that is open already."""

    listener: int
    address: Address


class CloseListener(Record):
    """Close the daemon's copy of a listening socket, and remove its file."""

    listener: int


class StartServer(Record):
    """Fork a server process that serves at the listener."""

    server: int
    listener: int


class SignalServer(Record):
    """Send a server process the signal of an operation."""

    server: int
    operation: Operation


class KillServer(Record):
    """Kill a server process and all that it has started."""

    server: int


class Log(Record):
    """Write a log line; the hands add the server's pid or the listener's real address to the text."""

    level: Level
    text: str
    server: int | None = None
    listener: int | None = None
    detail: str = ""


class Exit(Record):
    """The daemon ends: with this status, and for a status that is not 0 with the reason. Nothing follows."""

    status: int
    reason: str = ""


Effect = AskAddress | OpenListener | TuneListener | CloseListener | StartServer | SignalServer | KillServer | Log | Exit
