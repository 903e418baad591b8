"""What holds for a daemon whatever happens to it: random lives, and a ledger of what its decisions lead to."""

import random
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from riser.core.address import Address, TcpAddress, UnixAddress
from riser.core.config import DaemonConfig
from riser.core.generations import Told
from riser.core.messages import (
    AddressKnown,
    AddressUnknown,
    AskAddress,
    Begin,
    CloseListener,
    Effect,
    Event,
    Exit,
    KillServer,
    ListenerFailed,
    ListenerOpened,
    Log,
    OpenListener,
    Request,
    ServerExited,
    ServerFailed,
    ServerReady,
    SignalServer,
    StartServer,
    Tick,
    TuneListener,
)
from riser.core.operation import Operation
from riser.core.phases import Serving, Starting, State, Stopping, sockets_of
from riser.core.record import replace
from riser.core.supervision import step, wake_at

ADDRESSES: tuple[Address, ...] = (
    TcpAddress("127.0.0.1", 0),
    TcpAddress("127.0.0.1", 0, backlog=5),
    UnixAddress("/run/a.sock"),
    UnixAddress("/run/b.sock", mode=0o600),
)
REQUESTS = [operation for operation in Operation if operation is not Operation.CHILD_CHANGED]
STOPS = (Operation.STOP_GRACEFUL, Operation.STOP_FORCED)


@dataclass
class World:
    """Hands that do nothing but keep a ledger, and complain when they are told something impossible."""

    chance: random.Random
    state: State
    now: float = 0.0
    open: set[int] = field(default_factory=set)
    alive: dict[int, bool] = field(default_factory=dict)  # whether it is ready
    told: dict[int, Told] = field(default_factory=dict)
    failing: set[int] = field(default_factory=set)
    exit: Exit | None = None

    def play(self, event: Event) -> None:
        questions = [event]
        while questions:
            self.state, effects = step(self.state, questions.pop())
            for effect in effects:
                assert self.exit is None, f"{effect} after the end"
                questions += self.perform(effect)
            assert len(questions) < 2, "one question at a time"
        self.check()
        if isinstance(event, Request) and event.operation in STOPS:
            least = Told.FORCED if event.operation is Operation.STOP_FORCED else Told.GRACEFUL
            assert all(self.told.get(server, 0) >= least for server in self.alive), "a server that the stop forgot"

    def perform(self, effect: Effect) -> list[Event]:
        match effect:
            case AskAddress():
                answers: list[Event] = [AddressKnown(self.now, address) for address in ADDRESSES]
                return [self.chance.choice([*answers, AddressUnknown(self.now, "no address")])]
            case OpenListener(listener=listener):
                if self.chance.random() < 0.25:
                    return [ListenerFailed(self.now, "in use")]
                assert listener not in self.open
                self.open.add(listener)
                return [ListenerOpened(self.now)]
            case TuneListener(listener=listener):
                assert listener in self.open
            case CloseListener(listener=listener):
                self.open.remove(listener)
            case Exit():
                assert not self.alive, "a server is left behind"
                assert not self.open, "a socket is left behind"
                self.exit = effect
            case Log():
                pass
            case _:
                self.perform_on_server(effect)
        return []

    def perform_on_server(self, effect: StartServer | SignalServer | KillServer) -> None:
        match effect:
            case StartServer(server=server, listener=listener):
                assert listener in self.open, "a server without a socket"
                assert server not in self.alive
                self.alive[server] = False
            case SignalServer(server=server, operation=operation) if operation in STOPS:
                self.tell(server, Told.FORCED if operation is Operation.STOP_FORCED else Told.GRACEFUL)
            case SignalServer(server=server):
                assert self.alive[server], "statistics from a server that is not ready"
                assert server not in self.told, "statistics from a server that stops"
            case KillServer(server=server):
                self.tell(server, Told.KILLED)

    def tell(self, server: int, told: Told) -> None:
        assert server in self.alive, "a signal to nobody"
        assert told > self.told.get(server, 0), "a stop that relaxes"
        self.told[server] = told

    def check(self) -> None:
        """What must hold between any two events."""
        phase = self.state.phase
        assert {listening.number for listening in sockets_of(phase)} == self.open
        assert {entry.server for entry in self.state.retired} == {
            server for server in self.alive if server in self.told
        }
        if isinstance(phase, Serving | Starting | Stopping):
            serving = [server for server, ready in self.alive.items() if ready and server not in self.told]
            assert len(serving) <= 1, "two servers in service without an overlap"
        if self.alive and isinstance(phase, Stopping):
            assert set(self.alive) <= set(self.told), "a server that nobody told to stop"

    def happens(self, choice: int) -> None:
        """One thing that can happen now, by chance."""
        self.now += self.chance.choice([0.0, 0.01, 0.3, 3.0, 40.0])
        starting = [server for server, ready in self.alive.items() if not ready and server not in self.failing]
        match choice:
            case 0 if starting:
                self.alive[starting[0]] = True
                self.play(ServerReady(self.now, starting[0]))
            case 1 if starting:
                self.failing.add(starting[0])
                self.play(ServerFailed(self.now, starting[0], "bad setup"))
            case 2 | 3 if self.alive:
                self.dies(self.chance.choice(list(self.alive)))
            case 4 | 5:
                due = wake_at(self.state)
                self.now = self.now if due is None else max(self.now, due)
                self.play(Tick(self.now))
            case 6:
                self.play(Request(self.now, self.chance.choice(STOPS)))
            case _:
                self.play(Request(self.now, self.chance.choice(REQUESTS[2:])))

    def dies(self, server: int) -> None:
        del self.alive[server]
        self.play(ServerExited(self.now, server, "exit status 1"))


CONFIGS = st.builds(
    replace,
    st.just(DaemonConfig(listen_address="127.0.0.1:0")),
    server_restart_overlap_seconds=st.sampled_from([0.0, 2.0]),
    server_start_timeout_seconds=st.sampled_from([1.0, 60.0]),
    server_stop_timeout_seconds=st.sampled_from([None, 5.0]),
    daemon_debug=st.booleans(),
)


@settings(max_examples=300, deadline=None)
@given(
    config=CONFIGS,
    seed=st.integers(0, 2**32),
    script=st.lists(st.integers(0, 12), max_size=60),
    obedient=st.booleans(),
)
def test_any_life_of_a_daemon_ends_clean(config: DaemonConfig, seed: int, script: list[int], *, obedient: bool) -> None:
    world = World(random.Random(seed), State(config))
    world.play(Begin(0.0))
    for choice in script:
        if world.exit is None:
            world.happens(choice)
    if world.exit is None:
        world.play(Request(world.now, Operation.STOP_FORCED))
    # Forced, everybody who does not obey is killed in bounded time, and then the daemon is over.
    end = world.now + 12.0
    for _ in range(1000):
        if world.exit is not None:
            break
        dying = [server for server in world.alive if obedient or world.told[server] is Told.KILLED]
        if dying:
            world.dies(dying[0])
            continue
        due = wake_at(world.state)
        assert due is not None, "nobody waits for anything"
        assert due <= end
        world.now = max(world.now, due)
        world.play(Tick(world.now))
    assert world.exit is not None, "it never ends"
    assert world.exit.status in (0, 1)
    assert bool(world.exit.reason) == (world.exit.status == 1)
