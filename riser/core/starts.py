"""The start of a server process: tried from a ground, it succeeds or leaves the daemon on that ground.

See `supervision` for the theory. Each function is one arrow of a start:

                answer_address        start               succeed
    the ground ---> Opening ------------------> Starting ---------> Serving, or Overlapping --replace_old--> Serving
        ^              '--stay (old socket)------^  |
        '----------------give_up, fail--------------'
"""

from typing import assert_never

from riser.core.address import Address
from riser.core.backoff import pause_seconds
from riser.core.config import FORCED_CHILD_SECONDS
from riser.core.generations import STARTING_PATIENCE, Patience, Told, retire
from riser.core.messages import CloseListener, Effect, Level, Log, OpenListener, StartServer, TuneListener
from riser.core.operation import Operation
from riser.core.phases import (
    Down,
    Listening,
    New,
    Opening,
    Overlapping,
    Pausing,
    Serving,
    Starting,
    State,
    Stopping,
    Turn,
    then,
)
from riser.core.record import replace

#: A forced stop that has not ended after so many seconds is ended by KILL; a server that waits for its own children to
#: end has to come first.
FORCED_SECONDS = FORCED_CHILD_SECONDS + 1.0


def answer_address(state: State, phase: Opening, address: Address, *, now: float) -> Turn:
    """The address is known: serve at the old socket if that is there already, or open a candidate."""
    match phase.ground:
        case Serving(listening=old) | Down(listening=old) if address.same_endpoint(old.address):
            return start(state, phase, Listening(old.number, address), now=now)
        case _:
            number = state.listeners + 1
            asked = replace(phase, asked=address)
            return replace(state, phase=asked, listeners=number), (OpenListener(number, address),)


def stay(state: State, phase: Opening, reason: str, *, now: float) -> Turn:
    """There is no new socket: restart at the old one, or give up the first start."""
    complaint = Log(Level.ERROR, reason)
    match phase.ground:
        case New():
            effects = (complaint, Log(Level.FATAL, "failed to start daemon."))
            return replace(state, phase=Stopping(1, reason)), effects
        case Serving(listening=listening) | Down(listening=listening):
            goes_on = Log(Level.WARN, "server socket continue", listener=listening.number)
            return then((state, (complaint, goes_on)), start(state, phase, listening, now=now))
    assert_never(phase.ground)


def start(state: State, tried: Opening | Pausing, listening: Listening, *, now: float) -> Turn:
    """Have a server process started."""
    number = state.servers + 1
    restart = tried.restart if isinstance(tried, Opening) else None
    phase = Starting(tried.ground, restart, number, listening, now + state.config.server_start_timeout_seconds)
    return replace(state, phase=phase, servers=number), (StartServer(number, listening.number),)


def succeed(state: State, phase: Starting, *, now: float) -> Turn:
    """The new server serves: it takes the place of the old one, now or after the overlap."""
    new = Serving(phase.server, phase.listening, now)
    match phase:
        case Starting(ground=Serving() as old, restart=Operation() as restart):
            overlap = state.config.server_restart_overlap_seconds
            if overlap > 0:
                line = Log(Level.INFO, f"server restart overlap (interval seconds: {overlap:g})")
                return replace(state, phase=Overlapping(old, new, restart, now + overlap)), (line,)
            return replace_old(state, Overlapping(old, new, restart, now), now=now)
        case Starting(ground=Down(listening=listening), restart=Operation()):
            return replace(state, phase=new), keep_socket(new.listening, listening)
        case _:
            return replace(state, phase=new), ()


def replace_old(state: State, phase: Overlapping, *, now: float) -> Turn:
    """The new server stays, the old one is told to stop in the restart's own way."""
    told = Told.FORCED if phase.restart is Operation.RESTART_FORCED else Told.GRACEFUL
    turn = replace(state, phase=phase.new), keep_socket(phase.new.listening, phase.old.listening)
    return then(turn, dismiss(turn[0], phase.old.server, told, patience=full_patience(state), now=now))


def give_up(state: State, phase: Starting, reason: str, *, told: Told, now: float) -> Turn:
    """The start has failed, and its process is still there."""
    failed = fail(state, phase, reason, now=now)
    return then(failed, dismiss(failed[0], phase.server, told, patience=STARTING_PATIENCE, now=now))


def fail(state: State, phase: Starting, reason: str, *, now: float) -> Turn:
    """The start has failed: back to the ground."""
    complaint = Log(Level.ERROR, "failed to start server", phase.server, detail=reason)
    match phase.ground:
        case New():
            effects = complaint, Log(Level.FATAL, "failed to start daemon."), *close(phase.listening)
            return replace(state, phase=Stopping(1, reason)), effects
        case Serving(server=server, listening=listening) as serving:
            goes_on = Log(Level.WARN, "server continue", server)
            return replace(state, phase=serving), (complaint, *drop_candidate(phase.listening, listening), goes_on)
        case Down(listening=listening) as down:
            failed = state, (complaint, *drop_candidate(phase.listening, listening))
            return then(failed, pause(state, down, failures=state.failures + 1, now=now))
    assert_never(phase.ground)


def pause(state: State, down: Down, *, failures: int, now: float) -> Turn:
    """No server is left: wait for the next start, longer after each failure."""
    seconds = pause_seconds(failures)
    effects = (Log(Level.INFO, f"server start in {seconds:g} seconds"),) if seconds > 0 else ()
    return replace(state, phase=Pausing(down, now + seconds), failures=failures), effects


def dismiss(state: State, server: int, told: Told, *, patience: Patience, now: float) -> Turn:
    """Tell a server process to stop and put it to the old generations."""
    entry, effects = retire(server, told, patience, now=now)
    return replace(state, retired=(*state.retired, entry)), effects


def full_patience(state: State) -> Patience:
    """What a process that has served is given."""
    return Patience(graceful=state.config.server_stop_timeout_seconds, forced=FORCED_SECONDS)


def keep_socket(new: Listening, old: Listening) -> tuple[Effect, ...]:
    """A restart has succeeded: its socket, or its options for the old socket, become the daemon's."""
    return close(old) if new.number != old.number else (TuneListener(new.number, new.address),)


def drop_candidate(candidate: Listening, old: Listening) -> tuple[Effect, ...]:
    """A start has failed: its own socket goes, the old one stays."""
    return close(candidate) if candidate.number != old.number else ()


def close(listening: Listening) -> tuple[Effect, ...]:
    """Close a listening socket, and say so."""
    return (Log(Level.INFO, "close server socket", listener=listening.number), CloseListener(listening.number))
