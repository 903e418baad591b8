"""Nothing that a testee starts outlives its item, however it hides; and what it left is told."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.engine.observe import stat_of
from harness.engine.runner import Engine
from harness.engine.settings import Settings
from harness.model.outcome import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.model.manifest import Manifest
    from harness.model.scenario import Scenario
    from tests.harness.conftest import Run

HIDING = {
    "in the background": "sleep 1000 & ",
    "in a session of its own": "setsid sleep 1000 & ",
    "after a double fork": "(setsid sh -c 'sleep 1000 & ' &) ",
    "without the cookie": "env -i sleep 1000 & ",
    "without the cookie, in a session of its own": "env -i setsid sleep 1000 & ",
    "deaf to all but KILL": "setsid sh -c 'trap \"\" TERM INT HUP; sleep 1000; sleep 1000' & ",
    "as a family": "setsid sh -c 'sleep 1000 & sleep 1000 & wait' & ",
}


@pytest.mark.parametrize("script", HIDING.values(), ids=HIDING)
def test_a_process_left_behind_is_told_and_killed(run: Run, script: str) -> None:
    outcome = run(f"""
        actors:
          p:
            process:
              - sh
              - -c
              - |
                {script}
                echo up
            ready: {{log: up}}
        steps:
          - start: p
          - exit: p
        """)
    assert outcome.verdict is Verdict.LEAKED, outcome.failure
    assert outcome.failure is not None
    left = re.findall(r"process (\d+) \(([^)]*)\)", outcome.failure.message)
    assert outcome.failure.message.startswith("left behind: process ")
    assert any("sleep 1000" in command for _, command in left)
    assert not [pid for pid, _ in left if (stat := stat_of(int(pid))) is not None and stat.is_alive]


def test_a_process_that_follows_soon_is_no_leak(run: Run) -> None:
    outcome = run(
        """
        actors:
          p: {process: [sh, -c, "setsid sleep 0.2 & echo up"], ready: {log: up}}
        steps:
          - start: p
          - exit: p
        """,
        time_scale=10,
    )
    assert outcome.verdict is Verdict.PASSED, outcome.failure


def test_what_is_left_after_a_failure_is_killed_without_a_word(run: Run) -> None:
    outcome = run("""
        actors:
          p: {process: [sh, -c, "setsid sleep 1000 & exit 3"]}
        steps:
          - launch: p
          - exit: p
        """)
    assert outcome.verdict is Verdict.FAILED
    assert outcome.failure is not None
    assert outcome.failure.message == "p ended with status 3, expected status 0"


def test_a_child_that_a_connection_has_started_is_told(run: Run) -> None:
    outcome = run("""
        actors:
          d: {daemon: probe, mode: daemon, server: {process_num: 2}}
          c: {client: d}
        steps:
          - start: d
          - connect: c
          - talk: c
            send: fork
            expect: {starts_with: ok}
          - close: c
          - stop: d
        """)
    assert outcome.verdict is Verdict.LEAKED, outcome.failure
    assert outcome.failure is not None
    assert re.fullmatch(r"left behind: process \d+ \(sleep 1000\)", outcome.failure.message)


def test_a_socket_file_left_after_an_orderly_end_is_told(run: Run) -> None:
    outcome = run("""
        actors:
          d: {daemon: probe, listen: unix, environment: {FAULTS: leave_socket}}
        steps:
          - start: d
          - stop: d
        """)
    assert outcome.verdict is Verdict.LEAKED, outcome.failure
    assert outcome.failure is not None
    assert re.fullmatch(r"left behind: socket file /\S+/d\.sock", outcome.failure.message)


def test_a_killed_server_is_excused_for_its_socket_file(run: Run) -> None:
    outcome = run("""
        actors:
          d: {daemon: probe, listen: unix}
        steps:
          - start: d
          - signal: {to: d, signal: KILL}
          - exit: d
            signal: KILL
          - file: "${d.path}"
            exists: true
        """)
    assert outcome.verdict is Verdict.PASSED, outcome.failure


def test_a_killed_daemon_is_excused_for_its_socket_file_and_not_for_its_server(run: Run) -> None:
    outcome = run("""
        actors:
          d: {daemon: probe, mode: daemon, listen: unix}
        steps:
          - start: d
          - signal: {to: d, signal: KILL}
          - exit: d
            signal: KILL
          - signal: {to: d.server, signal: KILL}
        """)
    assert outcome.verdict is Verdict.PASSED, outcome.failure


def test_a_lock_that_a_survivor_holds_is_told(run: Run) -> None:
    outcome = run("""
        actors:
          d: {daemon: probe, mode: daemon, parameters: {status_file: "${workspace}/d.status"}}
        steps:
          - start: d
          - signal: {to: d, signal: KILL}
          - exit: d
            signal: KILL
        """)
    assert outcome.verdict is Verdict.LEAKED, outcome.failure
    assert outcome.failure is not None
    assert re.search(r"small\.py .*; the lock of /\S+/d\.status is held", outcome.failure.message)


def test_the_workspace_is_gone_afterwards(run: Run, root: Path) -> None:
    outcome = run("""
        actors:
          p: {process: [sh, -c, "mkdir -p a/b; touch a/b/c; chmod 0 a/b; chmod 0500 a"]}
        steps:
          - launch: p
          - exit: p
        """)
    assert outcome.verdict is Verdict.PASSED, outcome.failure
    assert (outcome.workspace, list(root.iterdir())) == (None, [])


def test_the_workspace_of_a_failure_is_kept_when_asked_for(run: Run) -> None:
    text = """
        actors:
          p: {process: [sh, -c, "echo evidence >clue; exit 1"]}
        steps:
          - launch: p
          - exit: p
        """
    outcome = run(text, keep=True)
    assert outcome.workspace is not None
    assert Path(outcome.workspace, "p", "clue").read_text() == "evidence\n"


def test_a_root_that_is_too_long_for_sockets_is_an_error(
    root: Path, read: Callable[[str], Scenario], small: Manifest
) -> None:
    long = root / ("x" * 80)
    long.mkdir()
    scenario = read("""
        actors:
          p: {process: ["true"]}
        steps:
          - launch: p
          - exit: p
        """)
    with Engine(Settings(root=long)) as engine:
        outcome = engine.run_one(scenario, small)
    assert outcome.verdict is Verdict.ERRORED
    assert outcome.failure is not None
    assert "is too long for Unix sockets below it" in outcome.failure.message


def test_leaks_cost_no_time_where_there_are_none(run: Run) -> None:
    began = time.monotonic()
    outcome = run(
        """
        actors:
          p: {process: ["true"]}
        steps:
          - launch: p
          - exit: p
        """,
        time_scale=100,
    )
    assert outcome.verdict is Verdict.PASSED
    assert time.monotonic() - began < 50
