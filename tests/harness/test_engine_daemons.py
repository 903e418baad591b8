"""Testees: made ready, watched through their events, told apart into daemon, server and children, and stopped."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.engine.actors.daemon import DaemonActor
from harness.engine.actors.generations import Generation
from harness.engine.orphans import Orphans
from harness.model.outcome import Verdict
from harness.model.timeline import What

if TYPE_CHECKING:
    from harness.engine.observe import Census
    from tests.harness.conftest import Run

FIFO = """fifo=$(sed -n 's/.*"events": "\\(.*\\)",/\\1/p' $0)"""
"""Shell that finds the events FIFO in the configuration."""
SMALL = Path(__file__).parent / "testees" / "small.py"
PYTHON = (sys.executable, "-I", "-S")
NOBODY = 2**22 + 1
"""A number that no process has: Linux gives none above 2**22."""
MATRIX = [
    (mode, processes, listen)
    for mode in ("server", "daemon")
    for processes in (0, 2)
    for listen in ("tcp", "tcp6", "unix")
]


@pytest.mark.parametrize(("mode", "processes", "listen"), MATRIX)
def test_a_daemon_is_started_looked_at_talked_to_and_stopped(run: Run, mode: str, processes: int, listen: str) -> None:
    outcome = run(f"""
        actors:
          d: {{daemon: probe, mode: {mode}, listen: {listen}, server: {{process_num: {processes}}}}}
          c: {{client: d}}
        steps:
          - start: d
          - tree: d
            daemon: {{same_as: d.pid}}
            children: {{length: {processes}}}
            all: {{length: {1 + processes + (mode == "daemon")}}}
            generation: 1
            as: before
          - connect: c
          - talk: c
            send: ppid
            expect: {{starts_with: "ok "}}
          - close: c
          - stop: d
          - eventually: {{gone: before.all}}
          - events: d
            name: preprocess
            count: {max(1, processes)}
        """)
    assert outcome.verdict is Verdict.PASSED, outcome.failure


def test_the_death_of_a_testee_is_recorded_after_all_that_it_said(run: Run) -> None:
    outcome = run("""
        actors:
          d: {daemon: probe}
        steps:
          - start: d
          - stop: d
        """)
    seen = [(moment.what, moment.text.split()[0]) for moment in outcome.timeline if moment.what is not What.STEP]
    assert seen[-4:] == [
        (What.EVENT, "at_stop"),
        (What.EVENT, "postprocess"),
        (What.EVENT, "after_stop"),
        (What.DEATH, "server"),
    ]


@pytest.mark.parametrize("mode", ["server", "daemon"])
def test_a_testee_that_dies_at_start_fails_the_start_at_once(run: Run, mode: str) -> None:
    began = time.monotonic()
    outcome = run(f"""
        within: 60s
        actors:
          d: {{daemon: probe, mode: {mode}, listen: "nonsense"}}
        steps:
          - start: d
        """)
    assert outcome.failure is not None
    message = (
        "no readiness of d: d ended with status 1; d said last: ValueError: invalid literal for int() with base 10: "
    )
    assert outcome.failure.message == f"{message}'nonsense'"
    assert time.monotonic() - began < 30


def test_a_testee_that_never_serves_fails_the_start_after_its_limit(run: Run) -> None:
    outcome = run("""
        actors:
          d: {daemon: probe, server: {process_num: 2}, environment: {FAULTS: no_preprocess}}
        steps:
          - start: d
            within: 5s
        """)
    assert outcome.failure is not None
    assert outcome.failure.message == "no readiness of d within 5s: 0 of 2 processes have reported preprocess"


def test_a_command_that_says_nothing_fails_the_start_after_its_limit(run: Run) -> None:
    outcome = run(
        """
        actors:
          d: {daemon: probe}
        steps:
          - start: d
            within: 100ms
        """,
        "sh", "-c", "exec sleep 100",
    )  # fmt: skip
    assert outcome.failure is not None
    assert outcome.failure.message == "no readiness of d within 100ms: it has reported no before_start"


def test_a_testee_that_exits_127_is_unsupported(run: Run) -> None:
    outcome = run("""
        actors:
          d: {daemon: http}
        steps:
          - start: d
        """)
    assert outcome.verdict is Verdict.UNSUPPORTED
    assert outcome.reason == "d exited 127: it does not implement this; d said last: http is not there"


def test_a_manifest_whose_command_is_not_there_is_an_error(run: Run) -> None:
    outcome = run(
        """
        actors:
          d: {daemon: probe}
        steps:
          - start: d
        """,
        "/no/such/testee",
    )
    assert outcome.verdict is Verdict.ERRORED
    assert outcome.failure is not None
    assert outcome.failure.message == "d cannot be started: /no/such/testee: No such file or directory"


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("not json", "it is not JSON: 'not json'"),
        ("[1]", "it is not a JSON object: '[1]'"),
        ('{"pid": 1}', """it has no "event" that is a text: '{"pid": 1}'"""),
        ('{"event": "dispatch"}', """it has no "pid" that is a process id: '{"event": "dispatch"}'"""),
        ('{"event": "dispatch", "pid": 1}', """process 1 is none that it started: '{"event": "dispatch", "pid": 1}'"""),
    ],
)
def test_a_malformed_event_is_the_adapters_fault(run: Run, line: str, complaint: str) -> None:
    outcome = run(
        """
        actors:
          d: {daemon: probe}
        steps:
          - start: d
        """,
        "sh", "-c", f"{FIFO}; echo '{line}' >$fifo; exec sleep 100",
    )  # fmt: skip
    assert outcome.verdict is Verdict.ERRORED
    assert outcome.failure is not None
    assert outcome.failure.message == f"the adapter of small wrote a wrong line into the events FIFO: {complaint}"


def test_a_restart_makes_a_new_generation_and_the_old_server_ends(run: Run) -> None:
    outcome = run("""
        actors:
          d: {daemon: probe, mode: daemon, server: {process_num: 2}}
          old: {client: d}
          new: {client: d}
        steps:
          - start: d
          - tree: d
            as: before
          - connect: old
          - talk: old
            send: echo one
            expect: ok one
          - signal: {to: d, action: restart_graceful}
            as: hup
          - event: {of: d, name: preprocess, since: hup}
          - event: {of: d, name: preprocess, since: hup}
            as: second
          - event: {of: d, name: at_stop, since: hup}
          - event: {of: d, name: at_stop, since: hup}
          - tree: d
            generation: 2
            daemon: {same_as: before.daemon}
            server: {not_in: before}
            children: {not_in: before, length: 2, contains: "${second.pid}"}
          - talk: old
            send: ppid
            expect: "ok ${before.server}"
          - connect: new
          - talk: new
            send: ppid
            expect: "ok ${d.server}"
          - close: old
          - close: new
          - eventually: {gone: before.server, since: hup, elapsed: {under: 10s}}
        """)
    assert outcome.verdict is Verdict.PASSED, outcome.failure


def test_a_killed_server_is_replaced_and_the_tree_shows_the_new_one(run: Run) -> None:
    outcome = run("""
        actors:
          d: {daemon: probe, mode: daemon}
        steps:
          - start: d
          - tree: d
            as: before
          - signal: {to: before.server, signal: KILL}
            as: kill
          - eventually: {of: d, server: {not_in: before}}
          - tree: d
            generation: 2
          - eventually: {gone: before.server}
        """)
    assert outcome.verdict is Verdict.PASSED, outcome.failure
    killed = [moment.text for moment in outcome.timeline if moment.what is What.SIGNAL]
    assert killed[0] == "KILL"


def test_a_configuration_is_rewritten_for_the_next_server(run: Run) -> None:
    outcome = run("""
        actors:
          d: {daemon: probe, mode: daemon, server: {process_num: 1}}
        steps:
          - start: d
          - configure: d
            server: {process_num: 3}
          - signal: {to: d, action: restart_graceful}
          - eventually: {of: d, children: {length: 3}}
          - configure: d
            exit_in: [preprocess]
          - configure: d
            exit_in: []
          - signal: {to: d, action: restart_graceful}
            as: again
          - event: {of: d, name: preprocess, since: again}
          - event: {of: d, name: preprocess, since: again}
          - event: {of: d, name: preprocess, since: again}
          - tree: d
            children: {length: 3}
          - file: "${d.config}"
            content: {not: {contains: exit_in}}
        """)
    assert outcome.verdict is Verdict.PASSED, outcome.failure


@pytest.mark.parametrize("processes", [0, 2])
def test_a_daemon_in_the_background_is_found_and_its_status_known(run: Run, processes: int) -> None:
    outcome = run(f"""
        actors:
          d:
            daemon: probe
            mode: daemon
            server: {{process_num: {processes}}}
            parameters: {{daemonize: true, status_file: "${{workspace}}/d.status"}}
            environment: {{FAULTS: status_5}}
        steps:
          - start: d
          - file: "${{d.status_file}}"
            content: {{contains: "pid: ${{d.pid}}"}}
            locked: true
          - file: "/proc/${{d.pid}}/fd/1"
            target: /dev/null
          - tree: d
            all: {{length: {2 + processes}}}
          - stop: d
            status: 5
          - file: "${{d.status_file}}"
            locked: false
        """)
    assert outcome.verdict is Verdict.PASSED, outcome.failure


def test_events_that_were_waited_for_are_not_waited_for_again(run: Run) -> None:
    outcome = run("""
        actors:
          d: {daemon: probe, server: {process_num: 2}}
        steps:
          - start: d
          - event: {of: d, name: preprocess}
          - event: {of: d, name: preprocess}
          - event: {of: d, name: preprocess}
            within: 50ms
        """)
    assert outcome.failure is not None
    assert outcome.failure.location.line == 9
    assert outcome.failure.message.startswith("no preprocess event of d within 50ms: there came before_start (")


def test_a_wait_for_an_event_ends_when_the_testee_dies(run: Run) -> None:
    began = time.monotonic()
    outcome = run("""
        within: 60s
        actors:
          d: {daemon: probe}
        steps:
          - start: d
          - signal: {to: d, signal: KILL}
          - event: {of: d, name: after_stop}
        """)
    assert outcome.failure is not None
    assert outcome.failure.message == "no after_stop event of d: d ended by signal KILL"
    assert time.monotonic() - began < 30


def test_events_are_counted_and_their_order_looked_at(run: Run) -> None:
    outcome = run("""
        actors:
          d: {daemon: probe, server: {process_num: 2}, environment: {FAULTS: twice_postprocess}}
        steps:
          - start: d
          - stop: d
          - events: d
            order: [before_start, at_fork, preprocess, at_stop, postprocess, after_stop]
            pid: {one_of: ["${d.pid}"]}
        """)
    assert outcome.failure is not None
    assert outcome.failure.message == (
        "the events of d came as before_start, after_stop; "
        "expected before_start, at_fork, preprocess, at_stop, postprocess, after_stop"
    )


def test_callbacks_that_run_twice_are_counted(run: Run) -> None:
    outcome = run("""
        actors:
          d: {daemon: probe, environment: {FAULTS: twice_postprocess}}
        steps:
          - start: d
          - stop: d
          - events: d
            name: postprocess
            count: 1
        """)
    assert outcome.failure is not None
    assert outcome.failure.message == "the number of postprocess events of d: got 2, expected 1"


def test_a_daemon_that_ignores_its_stop_fails_the_step_with_the_limit(run: Run) -> None:
    outcome = run("""
        actors:
          d: {daemon: probe, environment: {FAULTS: ignore_term}}
        steps:
          - start: d
          - stop: d
            within: 100ms
        """)
    assert outcome.failure is not None
    assert outcome.failure.message == "no end of d within 100ms"


def test_an_exit_that_comes_too_late_fails_with_the_mark_that_it_counts_from(run: Run) -> None:
    outcome = run(
        """
        actors:
          d: {daemon: probe}
        steps:
          - start: d
            as: begin
          - stop: d
          - exit: d
            since: begin
            elapsed: {under: 1ms}
        """,
        time_scale=2,
    )
    assert outcome.failure is not None
    assert outcome.failure.since == "begin"
    assert "expected under 2ms (1ms asked, time scale 2)" in outcome.failure.message


def test_a_daemon_whose_address_nobody_knows_cannot_be_connected_to(run: Run) -> None:
    outcome = run(
        """
        actors:
          d: {daemon: probe}
          c: {client: d}
        steps:
          - launch: d
          - connect: c
        """,
        "sh",
        "-c",
        "exec sleep 100",
    )
    assert outcome.failure is not None
    assert outcome.failure.message == "there is no d.address: d has reported no before_start with its address"


def test_a_testee_that_opens_its_fifo_for_reading_does_no_harm(run: Run) -> None:
    outcome = run(
        """
        actors:
          d: {daemon: probe}
        steps:
          - launch: d
          - exit: d
        """,
        "sh", "-c", f"{FIFO}; exec 3<$fifo; exit 0",
    )  # fmt: skip
    assert outcome.verdict is Verdict.PASSED, outcome.failure


def test_a_daemon_that_overwrites_its_environment_is_known_all_the_same(run: Run) -> None:
    outcome = run(
        """
        actors:
          d: {daemon: probe, mode: daemon, parameters: {daemonize: true}}
        steps:
          - start: d
          - tree: d
            all: {length: 2}
          - stop: d
        """,
        "env", "-i", *PYTHON, str(SMALL),
    )  # fmt: skip
    assert outcome.verdict is Verdict.PASSED, outcome.failure


LAUNCHED = """
    actors:
      d: {daemon: probe, mode: daemon, parameters: {daemonize: true}}
    steps:
      - start: d
"""


def test_the_command_that_starts_a_daemon_has_an_end_of_its_own(run: Run) -> None:
    outcome = run(
        f"""{LAUNCHED}
      - eventually: {{gone: d.launcher, status: 0}}
      - connect: c
""".replace("steps:", "  c: {client: d}\n    steps:")
    )
    assert outcome.verdict is Verdict.PASSED, outcome.failure


def test_the_status_of_a_process_that_is_gone_is_told(run: Run) -> None:
    outcome = run(f"""{LAUNCHED}
      - eventually: {{gone: d.launcher, status: {{at_least: 1}}}}
""")
    assert outcome.verdict is Verdict.FAILED
    assert outcome.failure is not None
    assert outcome.failure.message.endswith("of d.launcher ended with status 0: got 0, expected at least 1")


def test_a_process_that_a_signal_ended_has_no_status(run: Run) -> None:
    outcome = run("""
        actors:
          p: {process: [sleep, "1000"]}
        steps:
          - start: p
          - signal: {to: p, signal: KILL}
          - eventually: {gone: p.pid, status: 0}
        """)
    assert outcome.verdict is Verdict.FAILED
    assert outcome.failure is not None
    assert outcome.failure.message.endswith("of p.pid ended by signal KILL: it has none")


def test_the_status_of_somebody_elses_child_is_not_to_be_had(run: Run) -> None:
    outcome = run("""
        actors:
          d: {daemon: probe, mode: daemon}
        steps:
          - start: d
          - tree: d
            as: before
          - signal: {to: before.server, signal: KILL}
          - eventually: {gone: before.server, status: 0}
        """)
    assert outcome.verdict is Verdict.ERRORED
    assert outcome.failure is not None
    assert outcome.failure.message.endswith("ended: it was no child of the harness")


def test_a_daemon_that_one_process_hands_to_the_next_is_not_given_up(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first look finds a process that has ended by the time its sign is looked at; another one has taken over."""
    look = Orphans.living_of
    looks = 0

    def look_too_early(orphans: Orphans, census: Census) -> list[int]:
        nonlocal looks
        looks += 1
        return [NOBODY] if looks == 1 else look(orphans, census)

    monkeypatch.setattr(Orphans, "living_of", look_too_early)
    outcome = run("""
        actors:
          d: {daemon: probe, mode: daemon, parameters: {daemonize: true}}
        steps:
          - start: d
          - stop: d
        """)
    assert outcome.verdict is Verdict.PASSED, outcome.failure


def test_a_daemon_that_was_given_another_stop_signal_is_stopped_by_it(run: Run) -> None:
    outcome = run("""
        actors:
          d: {daemon: probe, mode: daemon, parameters: {signal_stop_graceful: USR2}}
        steps:
          - start: d
        """)
    assert outcome.verdict is Verdict.PASSED, outcome.failure
    assert [moment.text for moment in outcome.timeline if moment.what is What.SIGNAL] == ["USR2"]


def test_the_server_is_looked_up_once_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be over at the very next look, as the one before a restart is."""
    looks = iter([Generation(1, 4711, None, "127.0.0.1:1", 1), None])
    monkeypatch.setattr(DaemonActor, "serving", property(lambda _self: next(looks)))
    assert DaemonActor.__new__(DaemonActor).server == 4711
