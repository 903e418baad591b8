"""Foreign programs as actors: started, ready, signalled, ended; and every wait ends when they do."""

from __future__ import annotations

import errno
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.engine.actors.process import _holds
from harness.engine.actors.program import Output, Reading
from harness.engine.settings import Settings
from harness.engine.world import World
from harness.model.outcome import Verdict
from harness.model.timeline import What

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.model.manifest import Manifest
    from harness.model.scenario import Scenario
    from tests.harness.conftest import Run


@pytest.fixture
def world(read: Callable[[str], Scenario], small: Manifest, root: Path) -> World:
    """A world in which nothing has been started."""
    scenario = read("""
        actors:
          p: {process: ["true"]}
        steps:
          - start: p
        """)
    return World(scenario, small, Settings(root=root), root, "cookie")


def test_a_program_is_started_signalled_and_its_end_seen(run: Run) -> None:
    outcome = run("""
        actors:
          p: {process: [sleep, "100"]}
        steps:
          - start: p
          - signal: {to: p, signal: TERM}
            as: term
          - exit: p
            signal: TERM
            since: term
            elapsed: {under: 10s}
        """)
    assert outcome.verdict is Verdict.PASSED, outcome.failure
    assert [moment.what for moment in outcome.timeline if moment.actor == "p"] == [What.BIRTH, What.SIGNAL, What.DEATH]
    assert dict(outcome.marks)["term"] < outcome.seconds


def test_a_program_that_ends_otherwise_fails_the_step_with_what_it_said_last(run: Run) -> None:
    outcome = run("""
        actors:
          p: {process: [sh, -c, "echo no such thing; exit 3"]}
        steps:
          - launch: p
          - exit: p
        """)
    assert outcome.verdict is Verdict.FAILED
    assert outcome.failure is not None
    assert outcome.failure.message == "p ended with status 3, expected status 0; p said last: no such thing"
    assert (outcome.failure.location.line, outcome.timeline[outcome.failure.moment or 0].what) == (7, What.DEATH)


def test_a_program_that_dies_before_it_is_ready_fails_at_once(run: Run) -> None:
    began = time.monotonic()
    outcome = run("""
        within: 60s
        actors:
          p: {process: [sh, -c, "echo cannot bind >&2; exit 1"], ready: {log: listening}}
        steps:
          - start: p
        """)
    assert outcome.failure is not None
    assert outcome.failure.message == "no readiness of p: p ended with status 1; p said last: cannot bind"
    assert time.monotonic() - began < 30


def test_a_program_that_is_never_ready_fails_after_its_limit(run: Run) -> None:
    outcome = run("""
        actors:
          p: {process: [sh, -c, "echo hello; exec sleep 100"], ready: {log: listening}}
        steps:
          - start: p
            within: 2s
        """)
    assert outcome.failure is not None
    assert outcome.failure.message == "no readiness of p within 2s: p said last: hello"


def test_a_limit_is_stretched_by_the_time_scale_and_says_so(run: Run) -> None:
    outcome = run(
        """
        actors:
          p: {process: [sleep, "100"], ready: {log: listening}}
        steps:
          - start: p
            within: 50ms
        """,
        time_scale=3,
    )
    assert outcome.failure is not None
    assert outcome.failure.message == "no readiness of p within 150ms (50ms asked, time scale 3)"


@pytest.mark.parametrize(
    ("ready", "script"),
    [
        ("log: ^up", "echo starting; echo up and away; exec sleep 100"),
        ('file: "${workspace}/flag"', "touch ../flag; exec sleep 100"),
    ],
)
def test_a_program_is_ready_when_it_says_so(run: Run, ready: str, script: str) -> None:
    outcome = run(f"""
        actors:
          p: {{process: [sh, -c, "{script}"], ready: {{{ready}}}}}
        steps:
          - start: p
        """)
    assert outcome.verdict is Verdict.PASSED, outcome.failure


def test_a_program_is_ready_when_a_child_of_it_listens_on_its_port(run: Run, free_port: int) -> None:
    outcome = run(f"""
        actors:
          p:
            process: [sh, -c, "python3 -m http.server --bind 127.0.0.1 {free_port} & wait"]
            ready: {{port: {free_port}}}
          c: {{client: "127.0.0.1:{free_port}"}}
        steps:
          - start: p
          - connect: c
        """)
    assert outcome.verdict is Verdict.LEAKED, outcome.failure
    assert outcome.failure is not None
    assert "http.server" in outcome.failure.message


def test_a_process_that_goes_while_its_descriptors_are_looked_at_holds_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_: Path) -> Path:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "readlink", gone)
    assert not _holds(os.getpid(), {"socket:[1]"})


def test_output_is_looked_at_line_by_line(run: Run) -> None:
    outcome = run("""
        actors:
          p: {process: [sh, -c, "echo one; echo two >&2; printf three; exit 0"]}
        steps:
          - launch: p
          - exit: p
          - log: p
            line: one
          - log: p
            line: {matches: "^t"}
            count: 2
          - log: p
            no_line: four
          - log: p
            line: {contains: four}
        """)
    assert outcome.failure is not None
    assert outcome.failure.location.line == 15
    assert outcome.failure.message == "no line of p as expected ('four' in it); p said last: three"


def test_a_flood_of_output_is_read_to_its_end_and_kept_out_of_the_timeline(run: Run) -> None:
    outcome = run("""
        actors:
          p: {process: [sh, -c, "seq 1 30000; echo last"]}
        steps:
          - launch: p
          - eventually: {of: p, log: last}
            within: 60s
          - exit: p
          - log: p
            line: "30000"
        """)
    assert outcome.verdict is Verdict.PASSED, outcome.failure
    assert len(outcome.timeline) < 6000


def test_a_program_reads_its_input_and_environment(run: Run) -> None:
    outcome = run("""
        actors:
          p: {process: [sh, -c, "cat; echo $$WHO"], input: "from outside\\n", environment: {WHO: "in ${workspace}"}}
        steps:
          - launch: p
          - exit: p
          - log: p
            line: from outside
          - log: p
            line: "in ${workspace}"
        """)
    assert outcome.verdict is Verdict.PASSED, outcome.failure


def test_the_limit_of_descriptors_holds_from_the_programs_first_instruction(run: Run) -> None:
    outcome = run("""
        actors:
          p: {process: [sh, -c, "ulimit -n"], limits: {nofile: 77}}
        steps:
          - launch: p
          - exit: p
          - log: p
            line: "77"
        """)
    assert outcome.verdict is Verdict.PASSED, outcome.failure


@pytest.mark.parametrize("limits", ["{}", "{nofile: 64}"])
def test_a_program_that_is_not_there_is_an_error_and_no_failure(run: Run, limits: str) -> None:
    outcome = run(f"""
        actors:
          p: {{process: [no-such-program], limits: {limits}}}
        steps:
          - start: p
        """)
    assert outcome.verdict is Verdict.ERRORED
    assert outcome.failure is not None
    assert outcome.failure.message == "p cannot be started: no-such-program: No such file or directory"


def test_what_still_runs_at_the_end_is_stopped(run: Run) -> None:
    outcome = run("""
        actors:
          p: {process: [sleep, "100"]}
        steps:
          - start: p
        """)
    assert outcome.verdict is Verdict.PASSED, outcome.failure
    assert outcome.timeline[-1].text == "ended by signal TERM"


def test_what_was_frozen_is_thawed_to_be_stopped(run: Run) -> None:
    outcome = run("""
        actors:
          p: {process: [sleep, "100"]}
        steps:
          - start: p
          - signal: {to: p, signal: STOP}
        """)
    assert outcome.verdict is Verdict.PASSED, outcome.failure


def test_what_ignores_the_stop_is_killed_and_failed(run: Run) -> None:
    outcome = run("""
        within: {stop: 200ms}
        actors:
          p: {process: [sh, -c, "trap '' TERM; echo up; while :; do sleep 100; done"], ready: {log: up}}
        steps:
          - start: p
        """)
    assert outcome.verdict is Verdict.FAILED
    assert outcome.failure is not None
    expected = "p did not end within 200ms of TERM, sent at the end of the scenario; p said last: up"
    assert outcome.failure.message == expected
    assert outcome.failure.location.line == 5


def test_an_end_that_no_step_expected_fails_the_item(run: Run) -> None:
    outcome = run("""
        actors:
          p: {process: [sh, -c, "echo up; exit 7"], ready: {log: up}}
        steps:
          - start: p
          - eventually: {gone: p.pid}
        """)
    assert outcome.failure is not None
    assert outcome.failure.message == (
        "p ended with status 7 during the scenario, and no step expected that; p said last: up"
    )


def test_a_process_that_has_ended_is_not_signalled(run: Run) -> None:
    outcome = run("""
        actors:
          p: {process: [sh, -c, "exit 0"]}
        steps:
          - launch: p
          - exit: p
          - signal: {to: p, signal: TERM}
        """)
    assert outcome.failure is not None
    assert outcome.failure.message == "TERM cannot be sent: p ended with status 0"


def test_a_program_can_be_started_again_after_its_end(run: Run) -> None:
    outcome = run("""
        actors:
          p: {process: [sh, -c, "echo up; exec sleep 100"], ready: {log: up}}
        steps:
          - start: p
          - stop: p
          - start: p
          - log: p
            line: up
            count: 2
        """)
    assert outcome.verdict is Verdict.PASSED, outcome.failure


def test_a_program_that_runs_cannot_be_started_twice(run: Run) -> None:
    outcome = run("""
        actors:
          p: {process: [sleep, "100"]}
        steps:
          - start: p
          - start: p
        """)
    assert outcome.verdict is Verdict.ERRORED
    assert outcome.failure is not None
    assert outcome.failure.message == "p runs already"


@pytest.mark.parametrize("name", ["INT", "QUIT", "HUP", "PIPE"])
def test_signals_that_the_harness_ignores_are_not_ignored_by_what_it_starts(run: Run, name: str) -> None:
    number = signal.Signals[f"SIG{name}"]
    before = signal.signal(number, signal.SIG_IGN)
    try:
        outcome = run(f"""
            actors:
              p: {{process: [sh, -c, "kill -{name} $$$$; sleep 1000"]}}
            steps:
              - launch: p
              - exit: p
                signal: {name}
            """)
        assert outcome.verdict is Verdict.PASSED, outcome.failure
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)


def test_each_line_of_an_output_is_read_once_from_a_mark_on(world: World) -> None:
    output = Output("p", world)
    output.feed(b"before\n")
    reading = Reading(output, world.timeline.mark())
    output.feed(b"one\ntwo\nthr")
    assert reading.new() == ["one", "two"]
    output.feed(b"ee\n")
    assert (reading.new(), reading.new()) == (["three"], [])
    reading.rewind()
    assert reading.new() == ["one", "two", "three"]


def test_an_output_without_end_keeps_its_last_lines(world: World) -> None:
    output = Output("p", world)
    reading = Reading(output, None)
    for number in range(20):
        output.feed(str(number).encode() * 1_000_000 + b"\n")
    assert sum(len(line.text) for line in output.lines) <= 16 * 1024 * 1024
    assert output.last().startswith("19")
    assert reading.new() == output.since(None)
