"""Server processes that have been told to stop, and how they are pressed until they are gone.

Each restart leaves an old generation behind that still serves its clients, and there may be several. All of them are
told harder things over time, never softer ones, and each step has its own patience:

    GRACEFUL --patience.graceful--> FORCED --patience.forced--> KILLED
       TERM        (or INT)           INT                        KILL

A generation leaves the table only when its process has been reaped.
"""

import enum
from collections.abc import Iterable
from typing import assert_never

from riser.core.messages import Effect, KillServer, Level, Log, SignalServer
from riser.core.operation import Operation
from riser.core.record import Record, replace


class Told(enum.IntEnum):
    """The hardest thing that a server process has been told, in rising order."""

    GRACEFUL = 1
    FORCED = 2
    KILLED = 3


class Patience(Record):
    """How many seconds a server process is given for a graceful stop (None: any number) and for a forced one."""

    graceful: float | None
    forced: float


#: For a process that is not serving yet: nobody would miss it, and its setup may hang and hear nothing.
STARTING_PATIENCE = Patience(graceful=2.0, forced=2.0)


class Retired(Record):
    """A server process that has been told to stop and is not gone yet; `until` is when the next harder word is due."""

    server: int
    told: Told
    patience: Patience
    until: float | None


Outcome = tuple[tuple[Retired, ...], tuple[Effect, ...]]


def retire(server: int, told: Told, patience: Patience, *, now: float) -> tuple[Retired, tuple[Effect, ...]]:
    """Tell a server process for the first time to stop."""
    return _tell(Retired(server, told, patience, None), told, now=now)


def insist(retired: Iterable[Retired], told: Told, *, now: float) -> Outcome:
    """Tell all that have not been told as much; who has been told more stays so (stop.escalate, stop.no.relax)."""
    return _tell_each(retired, {entry.server: told for entry in retired if entry.told < told}, now=now)


def press(retired: Iterable[Retired], *, now: float) -> Outcome:
    """Tell the next harder thing to all whose patience has run out."""
    overdue = {
        entry.server: Told(entry.told + 1) for entry in retired if entry.until is not None and entry.until <= now
    }
    return _tell_each(retired, overdue, now=now)


def next_due(retired: Iterable[Retired]) -> float | None:
    """When `press` will next have something to do."""
    return min((entry.until for entry in retired if entry.until is not None), default=None)


def _tell_each(retired: Iterable[Retired], words: dict[int, Told], *, now: float) -> Outcome:
    after: list[Retired] = []
    effects: list[Effect] = []
    for entry in retired:
        if entry.server not in words:
            after.append(entry)
            continue
        told, said = _tell(entry, words[entry.server], now=now)
        after.append(told)
        effects.extend(said)
    return tuple(after), tuple(effects)


def _tell(entry: Retired, told: Told, *, now: float) -> tuple[Retired, tuple[Effect, ...]]:
    match told:
        case Told.GRACEFUL:
            limit = entry.patience.graceful
            until = None if limit is None else now + limit
            said = Log(Level.INFO, "server graceful stop", entry.server)
            return replace(entry, told=told, until=until), (said, SignalServer(entry.server, Operation.STOP_GRACEFUL))
        case Told.FORCED:
            until = now + entry.patience.forced
            said = Log(Level.INFO, "server forced stop", entry.server)
            return replace(entry, told=told, until=until), (said, SignalServer(entry.server, Operation.STOP_FORCED))
        case Told.KILLED:
            said = Log(Level.WARN, "server does not stop: kill it", entry.server)
            return replace(entry, told=told, until=None), (said, KillServer(entry.server))
    assert_never(told)
