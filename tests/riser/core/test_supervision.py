"""The daemon's decisions as playbooks: an event in, the exact effects out."""

import pytest

from riser.core.address import TcpAddress, UnixAddress
from riser.core.config import DaemonConfig
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
    Level,
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
from riser.core.phases import Opening, Overlapping, Pausing, Serving, Starting, State, Stopping
from riser.core.record import replace
from riser.core.starts import FORCED_SECONDS
from riser.core.supervision import IllegalEventError, step, wake_at

HERE = TcpAddress("127.0.0.1", 0)
THERE = UnixAddress("/run/there.sock")

TERM, INT = Operation.STOP_GRACEFUL, Operation.STOP_FORCED
HUP, QUIT = Operation.RESTART_GRACEFUL, Operation.RESTART_FORCED
USR1, USR2, WINCH = Operation.STAT_GET_AND_RESET, Operation.STAT_GET_NO_RESET, Operation.STAT_STOP


class Daemon:
    """A state that events are played to; answers what is to be done, without the log lines, which are kept apart."""

    def __init__(self, **parameters: object) -> None:
        defaults = DaemonConfig(listen_address="127.0.0.1:0", server_start_timeout_seconds=60.0)
        self.state = State(replace(defaults, **parameters))
        self.lines: list[str] = []

    def __call__(self, *events: Event) -> list[Effect]:
        acts: list[Effect] = []
        for event in events:
            self.state, effects = step(self.state, event)
            self.lines += [effect.text for effect in effects if isinstance(effect, Log)]
            acts += [effect for effect in effects if not isinstance(effect, Log)]
        return acts


def serving(**parameters: object) -> Daemon:
    """A daemon whose first server has been serving since the time 1."""
    daemon = Daemon(**parameters)
    daemon(Begin(0), AddressKnown(0, HERE), ListenerOpened(0), ServerReady(1, 1))
    assert daemon.state.phase == Serving(1, daemon.state.phase.listening, 1)  # type: ignore[union-attr]  # just compared
    return daemon


# The first start


def test_start_opens_the_address_before_the_server() -> None:
    daemon = Daemon()
    assert daemon(Begin(0)) == [AskAddress()]
    assert daemon(AddressKnown(0, HERE)) == [OpenListener(1, HERE)]
    assert daemon(ListenerOpened(0)) == [StartServer(1, 1)]
    assert daemon(ServerReady(1, 1)) == []
    assert daemon.lines == ["daemon start.", "open server socket", "server process ready"]


def test_start_without_an_address_exits_with_the_reason() -> None:
    daemon = Daemon()
    daemon(Begin(0))
    assert daemon(AddressUnknown(0, "no such scheme")) == [Exit(1, "no such scheme")]
    assert daemon.lines == ["daemon start.", "no such scheme", "failed to start daemon."]


def test_start_at_an_occupied_address_exits_with_the_reason() -> None:
    daemon = Daemon()
    daemon(Begin(0), AddressKnown(0, HERE))
    assert daemon(ListenerFailed(0, "in use")) == [Exit(1, "in use")]


def test_first_server_that_fails_ends_the_daemon_when_it_is_gone() -> None:
    daemon = Daemon()
    daemon(Begin(0), AddressKnown(0, HERE), ListenerOpened(0))
    assert daemon(ServerFailed(1, 1, "bad setup")) == [CloseListener(1), SignalServer(1, TERM)]
    assert daemon(ServerExited(2, 1, "exit status 1")) == [Exit(1, "bad setup")]


def test_first_server_that_exits_before_it_is_ready_ends_the_daemon() -> None:
    daemon = Daemon()
    daemon(Begin(0), AddressKnown(0, HERE), ListenerOpened(0))
    assert daemon(ServerExited(1, 1, "killed by KILL")) == [CloseListener(1), Exit(1, "killed by KILL")]


def test_start_limit_ends_a_setup_that_hangs() -> None:
    daemon = Daemon(server_start_timeout_seconds=10.0)
    daemon(Begin(0), AddressKnown(0, HERE), ListenerOpened(0))
    assert wake_at(daemon.state) == 10
    assert daemon(Tick(10)) == [CloseListener(1), SignalServer(1, INT)]
    assert daemon(Tick(12)) == [KillServer(1)]
    assert daemon(ServerExited(12, 1, "killed by KILL")) == [Exit(1, "not ready within 10 seconds")]


def test_stop_during_a_start_that_hangs_ends_in_bounded_time() -> None:
    daemon = Daemon()
    daemon(Begin(0), AddressKnown(0, HERE), ListenerOpened(0))
    assert daemon(Request(5, TERM)) == [CloseListener(1), SignalServer(1, TERM)]
    assert wake_at(daemon.state) == 7
    assert daemon(Tick(7)) == [SignalServer(1, INT)]
    assert daemon(Tick(9)) == [KillServer(1)]
    assert wake_at(daemon.state) is None
    assert daemon(ServerExited(9, 1, "killed by KILL")) == [Exit(0)]


def test_stop_during_a_start_that_gets_ready_all_the_same() -> None:
    daemon = Daemon()
    daemon(Begin(0), AddressKnown(0, HERE), ListenerOpened(0), Request(0, TERM))
    assert daemon(ServerReady(0.1, 1)) == []
    assert daemon(ServerExited(0.2, 1, "exit status 0")) == [Exit(0)]


# Stop


def test_graceful_stop_closes_the_socket_first_and_waits_without_limit() -> None:
    daemon = serving()
    assert daemon(Request(2, TERM)) == [CloseListener(1), SignalServer(1, TERM)]
    assert wake_at(daemon.state) is None
    assert daemon(ServerExited(900, 1, "exit status 0")) == [Exit(0)]
    assert daemon.lines[-4:] == ["close server socket", "server graceful stop", "server stop completed", "daemon stop."]


def test_graceful_stop_with_a_limit_becomes_forced() -> None:
    daemon = serving(server_stop_timeout_seconds=30.0)
    daemon(Request(2, TERM))
    assert wake_at(daemon.state) == 32
    assert daemon(Tick(32)) == [SignalServer(1, INT)]
    assert daemon(Tick(32 + FORCED_SECONDS)) == [KillServer(1)]


def test_forced_stop_that_is_not_obeyed_kills() -> None:
    daemon = serving()
    assert daemon(Request(2, INT)) == [CloseListener(1), SignalServer(1, INT)]
    assert daemon(Tick(1.9 + FORCED_SECONDS)) == []
    assert daemon(Tick(2 + FORCED_SECONDS)) == [KillServer(1)]
    assert daemon(Tick(99)) == []


def test_forced_after_graceful_escalates() -> None:
    daemon = serving()
    daemon(Request(2, TERM))
    assert daemon(Request(3, INT)) == [SignalServer(1, INT)]


def test_graceful_after_forced_or_graceful_changes_nothing() -> None:
    for first in (TERM, INT):
        daemon = serving()
        daemon(Request(2, first))
        before = daemon.state
        assert daemon(Request(3, TERM)) == []
        assert daemon.state == before


def test_requests_while_stopping_are_forgotten() -> None:
    daemon = serving()
    daemon(Request(2, TERM))
    assert daemon(*(Request(3, operation) for operation in (HUP, QUIT, USR1, USR2, WINCH))) == []
    assert daemon(ServerExited(4, 1, "exit status 0")) == [Exit(0)]


def test_server_that_dies_while_it_stops_ends_the_daemon_with_status_0() -> None:
    daemon = serving()
    daemon(Request(2, TERM))
    assert daemon(ServerExited(3, 1, "killed by SEGV")) == [Exit(0)]


# Restart


def test_restart_starts_the_new_server_before_the_old_is_told_to_stop() -> None:
    daemon = serving()
    assert daemon(Request(2, HUP)) == [AskAddress()]
    assert daemon(AddressKnown(2, HERE)) == [StartServer(2, 1)]
    assert daemon(ServerReady(3, 2)) == [TuneListener(1, HERE), SignalServer(1, TERM)]
    assert daemon(ServerExited(9, 1, "exit status 0")) == []
    assert daemon.lines[3:] == [
        "server graceful restart",
        "server process ready",
        "server graceful stop",
        "server stop completed",
    ]


def test_forced_restart_forces_the_old_server_only() -> None:
    daemon = serving()
    daemon(Request(2, QUIT), AddressKnown(2, HERE))
    assert daemon(ServerReady(3, 2)) == [TuneListener(1, HERE), SignalServer(1, INT)]
    assert daemon(Tick(3 + FORCED_SECONDS)) == [KillServer(1)]


@pytest.mark.parametrize("end", [ServerFailed(3, 2, "late"), ServerExited(3, 2, "exit status 1")])
def test_failed_restart_keeps_the_old_server(end: Event) -> None:
    daemon = serving()
    before = daemon.state.phase
    daemon(Request(2, HUP), AddressKnown(2, HERE), end)
    assert daemon.state.phase == before
    assert daemon.lines[-2 if isinstance(end, ServerFailed) else -1] == "server continue"


def test_restart_that_hangs_keeps_the_old_server_and_is_ended() -> None:
    daemon = serving()
    daemon(Request(2, HUP), AddressKnown(2, HERE))
    assert daemon(Tick(62)) == [SignalServer(2, INT)]
    assert isinstance(daemon.state.phase, Serving)
    assert daemon(Tick(64)) == [KillServer(2)]
    assert daemon(ServerExited(64, 2, "killed by KILL")) == []


def test_many_requests_make_two_restarts() -> None:
    daemon = serving()
    acts = daemon(Request(2, HUP), AddressKnown(2, HERE), *(Request(2, HUP) for _ in range(9)))
    assert acts == [AskAddress(), StartServer(2, 1)]
    assert daemon(ServerReady(3, 2))[-1] == AskAddress()
    daemon(AddressKnown(3, HERE))
    assert AskAddress() not in daemon(ServerReady(4, 3))
    assert isinstance(daemon.state.phase, Serving)


def test_waiting_restart_is_forced_when_one_of_them_was() -> None:
    daemon = serving()
    daemon(Request(2, HUP), AddressKnown(2, HERE), Request(2, QUIT), Request(2, HUP), ServerReady(3, 2))
    daemon(AddressKnown(3, HERE))
    assert daemon(ServerReady(4, 3)) == [TuneListener(1, HERE), SignalServer(2, INT)]


def test_restart_asked_during_a_failing_restart_is_tried() -> None:
    daemon = serving()
    daemon(Request(2, HUP), AddressKnown(2, HERE), Request(2, HUP))
    assert daemon(ServerExited(3, 2, "exit status 1")) == [AskAddress()]


def test_restart_asked_during_the_first_start_follows_it() -> None:
    daemon = Daemon()
    daemon(Begin(0), AddressKnown(0, HERE), ListenerOpened(0), Request(0, HUP))
    assert daemon(ServerReady(1, 1)) == [AskAddress()]


def test_overlap_keeps_both_until_its_end() -> None:
    daemon = serving(server_restart_overlap_seconds=3.0)
    daemon(Request(2, HUP), AddressKnown(2, HERE))
    assert daemon(ServerReady(3, 2)) == []
    assert wake_at(daemon.state) == 6
    assert daemon(Tick(5.9)) == []
    assert daemon(Tick(6)) == [TuneListener(1, HERE), SignalServer(1, TERM)]


def test_stop_during_the_overlap_acts_at_once() -> None:
    daemon = serving(server_restart_overlap_seconds=3.0)
    daemon(Request(2, QUIT), AddressKnown(2, HERE), ServerReady(3, 2))
    assert daemon(Request(4, TERM)) == [CloseListener(1), SignalServer(1, TERM), SignalServer(2, TERM)]


def test_new_server_that_dies_in_the_overlap_leaves_the_old_one() -> None:
    daemon = serving(server_restart_overlap_seconds=3.0)
    before = daemon.state.phase
    daemon(Request(2, HUP), AddressKnown(2, THERE), ListenerOpened(2), ServerReady(3, 2))
    assert daemon(ServerExited(4, 2, "exit status 1")) == [CloseListener(2)]
    assert daemon.state.phase == before


def test_old_server_that_dies_in_the_overlap_leaves_the_new_one() -> None:
    daemon = serving(server_restart_overlap_seconds=3.0)
    daemon(Request(2, HUP), AddressKnown(2, THERE), ListenerOpened(2), ServerReady(3, 2))
    assert daemon(ServerExited(4, 1, "exit status 1")) == [CloseListener(1)]
    assert daemon.state.phase == Serving(2, daemon.state.phase.listening, 3)  # type: ignore[union-attr]  # compared


def test_old_server_that_dies_during_the_restart_is_replaced_by_it() -> None:
    daemon = serving()
    daemon(Request(2, HUP), AddressKnown(2, THERE), ListenerOpened(2))
    assert daemon(ServerExited(3, 1, "killed by KILL")) == []
    assert daemon(ServerReady(4, 2)) == [CloseListener(1)]
    assert isinstance(daemon.state.phase, Serving)


def test_both_servers_that_die_during_the_restart_are_a_crash_at_the_old_address() -> None:
    daemon = serving()
    daemon(Request(2, HUP), AddressKnown(2, THERE), ListenerOpened(2), ServerExited(5, 1, "killed by KILL"))
    assert daemon(ServerExited(6, 2, "exit status 1")) == [CloseListener(2)]
    assert daemon(Tick(6.1)) == [StartServer(3, 1)]


def test_stop_during_a_restart_stops_old_and_new() -> None:
    daemon = serving()
    daemon(Request(2, HUP), AddressKnown(2, THERE), ListenerOpened(2))
    assert daemon(Request(3, TERM)) == [
        CloseListener(1),
        CloseListener(2),
        SignalServer(1, TERM),
        SignalServer(2, TERM),
    ]
    assert daemon(ServerExited(4, 2, "exit status 0")) == []
    assert daemon(ServerExited(5, 1, "exit status 0")) == [Exit(0)]


def test_stop_waits_for_every_generation_and_forces_each() -> None:
    daemon = serving()
    for number in (2, 3):
        daemon(Request(number, HUP), AddressKnown(number, HERE), ServerReady(number, number))
    assert daemon(Request(5, TERM)) == [CloseListener(1), SignalServer(3, TERM)]
    assert daemon(ServerExited(6, 2, "exit status 0")) == []
    assert daemon(Request(7, INT)) == [SignalServer(1, INT), SignalServer(3, INT)]
    assert daemon(ServerExited(8, 3, "exit status 0")) == []
    assert daemon(ServerExited(9, 1, "exit status 0")) == [Exit(0)]


# A new address


def test_new_address_accepts_before_the_old_one_refuses() -> None:
    daemon = serving()
    daemon(Request(2, HUP))
    assert daemon(AddressKnown(2, THERE)) == [OpenListener(2, THERE)]
    assert daemon(ListenerOpened(2)) == [StartServer(2, 2)]
    assert daemon(ServerReady(3, 2)) == [CloseListener(1), SignalServer(1, TERM)]


def test_new_address_is_given_up_when_its_server_fails() -> None:
    daemon = serving()
    daemon(Request(2, HUP), AddressKnown(2, THERE), ListenerOpened(2))
    assert daemon(ServerFailed(3, 2, "late")) == [CloseListener(2), SignalServer(2, TERM)]
    assert daemon(Request(4, HUP), AddressKnown(4, THERE)) == [AskAddress(), OpenListener(3, THERE)]


def test_new_address_that_cannot_be_opened_restarts_at_the_old_one() -> None:
    daemon = serving()
    daemon(Request(2, HUP), AddressKnown(2, THERE))
    assert daemon(ListenerFailed(2, "in use")) == [StartServer(2, 1)]
    assert daemon.lines[-2:] == ["in use", "server socket continue"]


def test_invalid_new_address_restarts_at_the_old_one() -> None:
    daemon = serving()
    daemon(Request(2, HUP))
    assert daemon(AddressUnknown(2, "no port")) == [StartServer(2, 1)]
    assert daemon(ServerReady(3, 2)) == [TuneListener(1, HERE), SignalServer(1, TERM)]


def test_changed_options_are_applied_when_the_restart_succeeds() -> None:
    daemon = serving()
    changed = replace(HERE, backlog=10)
    daemon(Request(2, HUP))
    assert daemon(AddressKnown(2, changed)) == [StartServer(2, 1)]
    assert daemon(ServerReady(3, 2)) == [TuneListener(1, changed), SignalServer(1, TERM)]


def test_overlap_keeps_both_addresses_until_its_end() -> None:
    daemon = serving(server_restart_overlap_seconds=3.0)
    daemon(Request(2, HUP), AddressKnown(2, THERE), ListenerOpened(2))
    assert daemon(ServerReady(3, 2)) == []
    assert daemon(Tick(6)) == [CloseListener(1), SignalServer(1, TERM)]


# Crashes


def test_server_that_dies_is_replaced_at_once() -> None:
    daemon = serving()
    assert daemon(ServerExited(50, 1, "killed by KILL")) == []
    assert wake_at(daemon.state) == 50
    assert daemon(Tick(50)) == [StartServer(2, 1)]
    assert daemon(ServerReady(51, 2)) == []


def test_server_that_dies_again_and_again_is_started_with_growing_pauses() -> None:
    daemon, now, starts = serving(), 1.0, []
    for server in range(1, 9):
        daemon(ServerExited(now, server, "exit status 1"))
        now = wake_at(daemon.state) or 0.0
        starts.append(round(now, 3))
        daemon(Tick(now), ServerReady(now, server + 1))
    assert starts == [1.0, 1.1, 1.3, 1.7, 2.5, 4.1, 7.3, 13.7]


def test_start_that_fails_counts_as_a_death() -> None:
    daemon = serving()
    daemon(ServerExited(1, 1, "exit status 1"), Tick(1), ServerExited(1, 2, "exit status 1"))
    assert wake_at(daemon.state) == 1.1


def test_healthy_server_makes_the_next_death_a_first_one() -> None:
    daemon = serving()
    daemon(
        ServerExited(1, 1, "exit status 1"), Tick(1), ServerExited(1, 2, "exit status 1"), Tick(2), ServerReady(2, 3)
    )
    daemon(ServerExited(100, 3, "exit status 1"))
    assert wake_at(daemon.state) == 100


@pytest.mark.parametrize("stop", [TERM, INT])
def test_stop_without_a_server_exits_at_once(stop: Operation) -> None:
    daemon = serving()
    daemon(ServerExited(1, 1, "exit status 1"), Tick(1), ServerExited(1, 2, "exit status 1"))
    assert daemon(Request(1.05, stop)) == [CloseListener(1), Exit(0)]
    assert daemon.lines[-2:] == ["no server to stop.", "daemon stop."]


def test_statistics_without_a_server_wait_for_one_and_are_asked_once() -> None:
    daemon = serving()
    daemon(ServerExited(1, 1, "exit status 1"))
    assert daemon(Request(1, USR1), Request(1, USR2), Request(1, USR1)) == []
    daemon(Tick(1))
    assert daemon(ServerReady(2, 2)) == [SignalServer(2, USR1), SignalServer(2, USR2)]


def test_restart_without_a_server_tries_at_once_and_asks_for_the_address() -> None:
    daemon = serving()
    daemon(ServerExited(1, 1, "exit status 1"), Tick(1), ServerExited(1, 2, "exit status 1"))
    assert daemon(Request(1.01, HUP)) == [AskAddress()]
    assert daemon(AddressKnown(1.01, THERE), ListenerOpened(1.01)) == [OpenListener(2, THERE), StartServer(3, 2)]
    assert daemon(ServerReady(2, 3)) == [CloseListener(1)]


# Statistics


@pytest.mark.parametrize("operation", [USR1, USR2, WINCH])
def test_statistics_are_passed_to_the_serving_server(operation: Operation) -> None:
    assert serving()(Request(2, operation)) == [SignalServer(1, operation)]


def test_statistics_during_a_restart_go_to_the_server_that_serves() -> None:
    daemon = serving(server_restart_overlap_seconds=3.0)
    daemon(Request(2, HUP), AddressKnown(2, HERE))
    assert daemon(Request(2, USR1)) == [SignalServer(1, USR1)]
    daemon(ServerReady(3, 2))
    assert daemon(Request(3, USR1)) == [SignalServer(2, USR1)]


# The rest


def test_debug_line_every_polling_interval() -> None:
    daemon = serving(daemon_debug=True, server_polling_interval_seconds=3.0)
    assert wake_at(daemon.state) == 3
    _, effects = step(daemon.state, Tick(3))
    assert effects == (Log(Level.DEBUG, "server polling...", 1),)


def test_idle_daemon_wants_no_tick() -> None:
    assert wake_at(serving().state) is None


def test_illegal_event_names_itself_and_the_phase() -> None:
    daemon = serving()
    with pytest.raises(IllegalEventError, match=r"ServerReady\(now=2, server=7\) cannot happen in Serving\("):
        daemon(ServerReady(2, 7))


def test_nothing_but_the_answer_is_legal_while_a_question_is_open() -> None:
    daemon = Daemon()
    daemon(Begin(0))
    assert isinstance(daemon.state.phase, Opening)
    for event in (Request(0, TERM), Tick(0), ListenerOpened(0), ServerReady(0, 1)):
        with pytest.raises(IllegalEventError):
            step(daemon.state, event)


def test_nothing_is_legal_after_the_end() -> None:
    daemon = Daemon()
    daemon(Begin(0), AddressUnknown(0, "no address"))
    for event in (Begin(1), Request(1, TERM), Tick(1), ServerExited(1, 1, "exit status 0")):
        with pytest.raises(IllegalEventError):
            step(daemon.state, event)


def test_every_phase_shows_itself() -> None:
    daemon = serving(server_restart_overlap_seconds=3.0)
    seen = []
    for events in (
        (Request(2, HUP), AddressKnown(2, HERE)),
        (ServerReady(3, 2),),
        (ServerExited(4, 1, "x"), ServerExited(4, 2, "x")),
        (Request(4, TERM),),
    ):
        seen.append(type(daemon.state.phase))
        daemon(*events)
    assert seen == [Serving, Starting, Overlapping, Pausing]
    assert not isinstance(daemon.state.phase, Stopping)
