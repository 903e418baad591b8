"""Accepting: from a listening socket into a crew, never more than the crew has room for.

A full crew takes the socket out of the selector, so that what comes next waits in the kernel's backlog
(`server.backpressure`). A machine without descriptors or memory makes the gate rest for a while; connections that are
established are not concerned (`server.accept.emfile`).
"""

import enum
import errno
import select
import socket
import time

from riser.core.operation import StopState
from riser.logs import Seldom
from riser.loop import Crew, Loop

MOST_PER_TURN = 64
"""Accepts in a row before other events get their turn."""

_LONGEST_REST = 5
"""In units of the first."""

_STARVED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_LOST_ON_THE_WAY = frozenset(
    {
        errno.ECONNABORTED,
        errno.EPERM,
        errno.EPROTO,
        errno.ENOPROTOOPT,
        errno.EHOSTDOWN,
        errno.ENONET,
        errno.EHOSTUNREACH,
        errno.EOPNOTSUPP,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.ETIMEDOUT,
    }
)
"""Errors of the connection that was to be accepted, which Linux reports from accept(2)."""


class _State(enum.Enum):
    SHUT = "shut"
    OPEN = "open"
    WAITING = "waiting for room"
    RESTING = "resting"


class _Outcome(enum.Enum):
    EMPTY = "nobody else waits"
    FULL = "no more are wanted in this turn"
    STARVED = "the machine has nothing to hold a connection with"


class Gate:
    """The source of connections in a process that listens."""

    def __init__(self, listening: socket.socket, *, rest_seconds: float) -> None:
        self._socket = listening
        self._state = _State.SHUT
        self._first_rest = rest_seconds
        self._rest = 0.0
        self._complaint = Seldom()
        self._rest_until: float | None = None
        self._knock = select.poll()

    def begin(self, loop: Loop, crew: Crew) -> None:
        """Accept whatever comes."""
        self._loop = loop
        self._crew = crew
        self._socket.settimeout(0)
        self._knock.register(self._socket, select.POLLIN)
        self._change(_State.OPEN)

    def stop(self, state: StopState) -> None:
        """Close this process's descriptor: where nobody else has one, connects are refused from now on.

        A graceful stop first takes in who was connected already, as far as there is room: the kernel has told those
        clients that they are connected, and where nobody else listens it would reset them (`stop.graceful.queued`).
        """
        if state is StopState.GRACEFUL and self._state is not _State.SHUT:
            self._crew.wait_ended()
            while self._crew.room() > 0 and self._take_in() is _Outcome.FULL:
                pass
        self._change(_State.SHUT)
        self._socket.close()

    def is_over(self) -> bool:
        """Whether it has been stopped."""
        return self._state is _State.SHUT

    def wake_at(self) -> float | None:
        """The end of a rest."""
        return self._rest_until

    def advance(self, now: float) -> None:
        """Go on where there is room again, or the rest is over."""
        if self._state is _State.WAITING and self._crew.room() > 0:
            self._crew.wait_ended()
            self._accept()
        elif self._rest_until is not None and now >= self._rest_until:
            self._rest_until = None
            self._accept()

    def _accept(self) -> None:
        """Take in who waits, and decide how to go on."""
        if self._state is _State.SHUT:
            return
        match self._take_in():
            case _Outcome.EMPTY:
                self._rest = 0.0
                self._change(_State.OPEN)
            case _Outcome.FULL:
                if self._crew.room() <= 0 and self._knock.poll(0):
                    self._crew.wait_began()
                    self._change(_State.WAITING)
                else:
                    self._change(_State.OPEN)
            case _Outcome.STARVED:
                self._rest = min(self._rest * 2 or self._first_rest, self._first_rest * _LONGEST_REST)
                self._rest_until = time.monotonic() + self._rest
                self._change(_State.RESTING)

    def _take_in(self) -> _Outcome:
        room = min(self._crew.room(), MOST_PER_TURN)
        taken: list[int] = []
        outcome = _Outcome.FULL
        while len(taken) < room:
            try:
                # accept() would make a socket object around it for nobody; that takes longer than the call itself.
                connection, _ = self._socket._accept()  # type: ignore[attr-defined]  # noqa: SLF001
            except BlockingIOError:
                outcome = _Outcome.EMPTY
                break
            except OSError as error:
                if error.errno in _LOST_ON_THE_WAY:
                    continue
                if error.errno not in _STARVED:
                    raise
                self._complaint.warn("cannot accept connections for the moment: %s", error.strerror)
                outcome = _Outcome.STARVED
                break
            taken.append(connection)
        if taken:
            self._crew.take(taken)
        return outcome

    def _change(self, state: _State) -> None:
        if self._state is _State.OPEN and state is not _State.OPEN:
            self._loop.unwatch(self._socket)
        elif self._state is not _State.OPEN and state is _State.OPEN:
            self._loop.watch(self._socket, self._accept)
        self._state = state
