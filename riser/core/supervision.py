"""What a daemon does next: `step(state, event) -> state, effects`, a pure function.

Theory
------
A daemon holds a listening socket and has one server process serve at it. Everything that it does is one of two moves:

*A start* is tried from a ground (nothing at all, a serving server, or a server that has died) and either succeeds or
leaves the daemon on that ground. The first start, a restart and the revival after a crash are the same move from three
grounds. A restart may bring a socket of its own, the candidate: it is opened before the new server starts, replaces
the old socket when the old server is told to stop, and is closed again when the start fails. So the new address accepts
before the old one refuses, and a bad address or a bad setup costs nothing.

*A retirement* takes a server out of service. Whoever has been told to stop is in `state.retired`, in whatever phase the
daemon is, and is pressed until it is gone (see `generations`).

    phase         event                        next phase       what is done
    ------------  ---------------------------  ---------------  ------------------------------------------------
    New           Begin                        Opening          ask for the address
    Opening       AddressKnown, elsewhere      Opening          open a listener there
                  AddressKnown, same place     Starting         start a server at the old listener
                  ListenerOpened               Starting         start a server at the new listener
                  AddressUnknown, ..Failed     Starting         start a server at the old listener
                    ... on the first start     Over             exit 1
    Starting      ServerReady                  Serving          close the old listener, retire the old server
                    ... restart with overlap   Overlapping
                  ServerFailed, ServerExited,  the ground       close the candidate; retire the failed server
                    deadline                   (Pausing)
                    ... on the first start     Stopping         then exit 1
                  ServerExited of the old one  Starting         the ground is now Down
    Overlapping   Tick at `until`, or          Serving          close the old listener, retire the old server
                    ServerExited of the old
                  ServerExited of the new      the old Serving  close the candidate
    Serving       ServerExited                 Pausing          count the failure
    Pausing       Tick at `until`              Starting         start a server
    Stopping      last ServerExited            Over             exit

    a restart is asked for    Serving, Pausing: Opening. Elsewhere it waits; all that wait become one.
    a stop is asked for       any phase but New, Over: close every listener, retire every server, Stopping.
                              Asked again in Stopping it can only become harder.
    statistics are asked for  passed to the server that serves; waits while there is none.

Opening lasts no time: the hands answer each question at once, so nothing else is legal there. An event that is not
in the table is a mistake of the hands and raises `IllegalEventError`.
"""

from typing import assert_never

from riser.core.address import TcpAddress, UnixAddress
from riser.core.backoff import failures_after
from riser.core.generations import STARTING_PATIENCE, Patience, Told, insist, next_due, press
from riser.core.messages import (
    AddressKnown,
    AddressUnknown,
    AskAddress,
    Begin,
    Effect,
    Event,
    Exit,
    Level,
    ListenerFailed,
    ListenerOpened,
    Log,
    Request,
    ServerExited,
    ServerFailed,
    ServerReady,
    SignalServer,
    Tick,
)
from riser.core.operation import Operation
from riser.core.phases import (
    Down,
    IllegalEventError,
    Listening,
    New,
    Opening,
    Over,
    Overlapping,
    Pausing,
    Serving,
    Starting,
    State,
    Stopping,
    Turn,
    serving_server,
    sockets_of,
    then,
)
from riser.core.record import replace
from riser.core.starts import (
    answer_address,
    close,
    dismiss,
    drop_candidate,
    fail,
    full_patience,
    give_up,
    keep_socket,
    pause,
    replace_old,
    start,
    stay,
    succeed,
)

__all__ = ["IllegalEventError", "State", "step", "wake_at"]

_STATISTICS = {
    Operation.STAT_GET_AND_RESET: "stat get(reset: true)",
    Operation.STAT_GET_NO_RESET: "stat get(reset: false)",
    Operation.STAT_STOP: "stat stop",
}


def step(state: State, event: Event) -> Turn:
    """Answer an event with the next state and with what is to be done, in order.

    Raises `IllegalEventError`.
    """
    turn = _answer(state, event)
    return then(turn, _fulfil(turn[0]))


def wake_at(state: State) -> float | None:
    """The monotonic time at which the daemon wants a `Tick`, or None while only an event can change anything."""
    times = [time for time in (next_due(state.retired), state.beat) if time is not None]
    match state.phase:
        case Starting(deadline=due) | Overlapping(until=due) | Pausing(until=due):
            times.append(due)
        case _:
            pass
    return min(times, default=None)


def _answer(state: State, event: Event) -> Turn:
    match event:
        case Begin():
            return _begin(state, event)
        case Request():
            return _request(state, event)
        case AddressKnown() | AddressUnknown() | ListenerOpened() | ListenerFailed():
            return _answered(state, event)
        case ServerReady():
            return _ready(state, event)
        case ServerFailed():
            return _failed(state, event)
        case ServerExited():
            return _exited(state, event)
        case Tick():
            return _tick(state, event)
    assert_never(event)


def _fulfil(state: State) -> Turn:
    """Do what was asked for earlier and can be done in the phase that has been reached."""
    match state.phase:
        case Stopping(status=status, reason=reason) if not state.retired:
            farewell = (Log(Level.INFO, "daemon stop."),) if status == 0 else ()
            return replace(state, phase=Over(), beat=None), (*farewell, Exit(status, reason))
        case Stopping() | Over():
            return state, ()
        case _:
            pass
    effects: list[Effect] = []
    server = serving_server(state.phase)
    if server is not None:
        for operation in state.stats:
            effects += [Log(Level.INFO, _STATISTICS[operation], server), SignalServer(server, operation)]
        state = replace(state, stats=())
    match state:
        case State(phase=Serving() as ground, restart=Operation() as restart):
            kind = "forced" if restart is Operation.RESTART_FORCED else "graceful"
            effects += [Log(Level.INFO, f"server {kind} restart", ground.server), AskAddress()]
            state = replace(state, phase=Opening(ground, restart, None), restart=None)
        case State(phase=Pausing(ground=down), restart=Operation() as restart):
            effects += [Log(Level.INFO, "server restart without a pause"), AskAddress()]
            state = replace(state, phase=Opening(down, restart, None), restart=None)
        case _:
            pass
    return state, tuple(effects)


def _begin(state: State, event: Begin) -> Turn:
    match state.phase:
        case New() as ground:
            beat = event.now + state.config.server_polling_interval_seconds if state.config.daemon_debug else None
            effects = (Log(Level.INFO, "daemon start."), AskAddress())
            return replace(state, phase=Opening(ground, None, None), beat=beat), effects
        case _:
            raise IllegalEventError(state, event)


def _request(state: State, event: Request) -> Turn:
    if isinstance(state.phase, New | Opening | Over):
        raise IllegalEventError(state, event)
    match event.operation:
        case Operation.STOP_GRACEFUL:
            return _stop(state, Told.GRACEFUL, now=event.now)
        case Operation.STOP_FORCED:
            return _stop(state, Told.FORCED, now=event.now)
        case Operation.RESTART_GRACEFUL:
            return replace(state, restart=state.restart or event.operation), ()
        case Operation.RESTART_FORCED:
            return replace(state, restart=event.operation), ()
        case Operation.STAT_GET_AND_RESET | Operation.STAT_GET_NO_RESET | Operation.STAT_STOP:
            # The kernel keeps one of each signal as well, so no more than one of each need wait.
            return replace(state, stats=tuple(dict.fromkeys((*state.stats, event.operation)))), ()
        case Operation.CHILD_CHANGED:
            raise IllegalEventError(state, event)
    assert_never(event.operation)


def _stop(state: State, told: Told, *, now: float) -> Turn:
    phase = state.phase
    retired, effects = insist(state.retired, told, now=now)
    if isinstance(phase, Stopping):
        return replace(state, retired=retired), effects
    leaving: list[tuple[int, Patience]] = []
    match phase:
        case Serving():
            leaving = [(phase.server, full_patience(state))]
        case Overlapping():
            leaving = [(phase.old.server, full_patience(state)), (phase.new.server, full_patience(state))]
        case Starting(ground=Serving(server=old)):
            leaving = [(old, full_patience(state)), (phase.server, STARTING_PATIENCE)]
        case Starting():
            leaving = [(phase.server, STARTING_PATIENCE)]
        case _:
            pass
    # The sockets go first: whoever connects from now on is refused instead of waiting for a server that leaves.
    closing = tuple(effect for listening in sockets_of(phase) for effect in close(listening))
    turn = replace(state, phase=Stopping(0, ""), retired=retired), (*closing, *effects)
    if not leaving and not retired:
        return then(turn, (turn[0], (Log(Level.WARN, "no server to stop."),)))
    for server, patience in leaving:
        turn = then(turn, dismiss(turn[0], server, told, patience=patience, now=now))
    return turn


def _answered(state: State, event: AddressKnown | AddressUnknown | ListenerOpened | ListenerFailed) -> Turn:
    if not isinstance(state.phase, Opening):
        raise IllegalEventError(state, event)
    match state.phase.asked, event:
        case None, AddressKnown(address=address):
            return answer_address(state, state.phase, address, now=event.now)
        case None, AddressUnknown(reason=reason):
            return stay(state, state.phase, reason, now=event.now)
        case (TcpAddress() | UnixAddress()) as address, ListenerOpened():
            listening = Listening(state.listeners, address)
            opened = state, (Log(Level.INFO, "open server socket", listener=listening.number),)
            return then(opened, start(state, state.phase, listening, now=event.now))
        case TcpAddress() | UnixAddress(), ListenerFailed(reason=reason):
            return stay(state, state.phase, reason, now=event.now)
        case _:
            raise IllegalEventError(state, event)


def _ready(state: State, event: ServerReady) -> Turn:
    match state.phase:
        case Starting(server=event.server) as phase:
            ready = state, (Log(Level.INFO, "server process ready", event.server),)
            return then(ready, succeed(state, phase, now=event.now))
        case _ if event.server in {entry.server for entry in state.retired}:
            return state, ()
        case _:
            raise IllegalEventError(state, event)


def _failed(state: State, event: ServerFailed) -> Turn:
    match state.phase:
        case Starting(server=event.server) as phase:
            return give_up(state, phase, event.reason, told=Told.GRACEFUL, now=event.now)
        case _ if event.server in {entry.server for entry in state.retired}:
            return state, ()
        case _:
            raise IllegalEventError(state, event)


def _exited(state: State, event: ServerExited) -> Turn:
    stays = tuple(entry for entry in state.retired if entry.server != event.server)
    if stays != state.retired:
        return replace(state, retired=stays), (Log(Level.INFO, "server stop completed", event.server),)
    found = Log(Level.WARN, "found server down", event.server, detail=event.how)
    match state.phase:
        case Serving(server=event.server) as serving:
            return then((state, (found,)), _crash(state, serving, now=event.now))
        case Starting(server=event.server) as phase:
            return fail(state, phase, event.how, now=event.now)
        case Starting(ground=Serving(server=event.server) as serving) as phase:
            failures = failures_after(state.failures, served_seconds=event.now - serving.since)
            return replace(state, phase=replace(phase, ground=Down(serving.listening)), failures=failures), (found,)
        case Overlapping(old=Serving(server=event.server) as old, new=new):
            return replace(state, phase=new), (found, *keep_socket(new.listening, old.listening))
        case Overlapping(old=old, new=Serving(server=event.server) as new):
            goes_on = Log(Level.WARN, "server continue", old.server)
            return replace(state, phase=old), (found, *drop_candidate(new.listening, old.listening), goes_on)
        case _:
            raise IllegalEventError(state, event)


def _crash(state: State, serving: Serving, *, now: float) -> Turn:
    failures = failures_after(state.failures, served_seconds=now - serving.since)
    return pause(state, Down(serving.listening), failures=failures, now=now)


def _tick(state: State, event: Tick) -> Turn:
    if isinstance(state.phase, New | Opening | Over):
        raise IllegalEventError(state, event)
    retired, effects = press(state.retired, now=event.now)
    pressed = then((replace(state, retired=retired), effects), _heartbeat(replace(state, retired=retired), event.now))
    return then(pressed, _due(pressed[0], event.now))


def _due(state: State, now: float) -> Turn:
    match state.phase:
        case Starting(deadline=deadline) as phase if deadline <= now:
            reason = f"not ready within {state.config.server_start_timeout_seconds:g} seconds"
            return give_up(state, phase, reason, told=Told.FORCED, now=now)
        case Overlapping(until=until) as phase if until <= now:
            return replace_old(state, phase, now=now)
        case Pausing(until=until) as phase if until <= now:
            return start(state, phase, phase.ground.listening, now=now)
        case _:
            return state, ()


def _heartbeat(state: State, now: float) -> Turn:
    if state.beat is None or now < state.beat:
        return state, ()
    beat = now + state.config.server_polling_interval_seconds
    return replace(state, beat=beat), (Log(Level.DEBUG, "server polling...", serving_server(state.phase)),)
