"""A terminal is a program as any other for whoever stops it, waits for it, or looks for what it has left."""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING

from harness.model.outcome import Verdict
from harness.model.timeline import What

if TYPE_CHECKING:
    import pytest

    from harness.model.outcome import Outcome
    from tests.harness.conftest import Run


def message(outcome: Outcome) -> str:
    assert outcome.failure is not None, outcome.verdict
    return outcome.failure.message


def test_what_a_terminal_leaves_behind_is_a_leak(run: Run) -> None:
    outcome = run("""
        actors:
          t:
            terminal:
              - sh
              - -c
              - |
                setsid sh -c ': > on; exec sleep 1000' <&- >&- 2>&- &
                until [ -e on ]; do sleep 0.01; done
                echo here
                exec sleep 100
            ready: {log: here}
        steps:
          - start: t
        """)
    assert outcome.verdict is Verdict.LEAKED
    assert re.fullmatch(r"left behind: process \d+ \(sleep 1000\)", message(outcome))


def test_an_end_that_nobody_expected_fails_the_item(run: Run) -> None:
    outcome = run("""
        actors:
          t: {terminal: [sh, -c, "echo no luck; exit 9"]}
        steps:
          - start: t
          - eventually: {gone: t.pid}
        """)
    assert outcome.verdict is Verdict.FAILED
    assert (
        message(outcome) == "t ended with status 9 during the scenario, and no step expected that; t said last: no luck"
    )


def test_the_time_until_something_was_shown_counts_from_its_mark(run: Run) -> None:
    outcome = run("""
        actors:
          t: {terminal: [sh, -c, "echo here; exec sleep 100"], ready: {log: here}}
        steps:
          - start: t
            as: begun
          - expect: {of: t, line: here, elapsed: {over: 1h}, since: begun}
        """)
    assert re.fullmatch(r"the time until it came: got [\d.]+m?s, expected over 3600s", message(outcome))


def test_a_wait_ends_with_the_program_though_another_was_to_go_on(run: Run) -> None:
    began = time.monotonic()
    outcome = run("""
        actors:
          t:
            terminal:
              - sh
              - -c
              - |
                (trap '' HUP; : > on; exec sleep 1000) &
                until [ -e on ]; do sleep 0.01; done
                exit 3
        steps:
          - start: t
          - expect: {of: t, end: closed, within: 1h}
          - exit: {of: t, status: 3}
          - expect: {of: t, text: never, within: 1h}
        """)
    assert message(outcome) == "no sign of 'never' on t: t ended with status 3"
    assert time.monotonic() - began < 60


def test_what_is_typed_and_shown_is_in_the_timeline(run: Run) -> None:
    outcome = run("""
        actors:
          t: {terminal: [sh, -c, "read word; echo got $$word; exec sleep 100"]}
        steps:
          - start: t
          - talk: {to: t, send: it, expect: got it}
          - resize: {of: t, rows: 2, columns: 3}
          - close: t
        """)
    assert outcome.verdict is Verdict.PASSED, outcome.failure
    told = [(moment.what, moment.text) for moment in outcome.timeline if moment.actor == "t"]
    assert told[1:6] == [
        (What.SENT, r"'it\r'"),
        (What.LOG, "got it"),
        (What.RECEIVED, "'got it'"),
        (What.NOTE, "a window of 2 rows and 3 columns"),
        (What.CLOSED, "hung up"),
    ]


def test_a_program_in_a_terminal_may_speak_to_a_service_manager(run: Run) -> None:
    outcome = run("""
        actors:
          t:
            terminal:
              - python3
              - -ISc
              - |
                import os, socket, time
                with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
                    manager.connect(os.environ["NOTIFY_SOCKET"])
                    manager.send(b"READY=1")
                time.sleep(100)
            ready: {notify: true}
          m: {notify: t}
        steps:
          - start: t
        """)
    assert outcome.verdict is Verdict.PASSED, outcome.failure


def test_the_terminal_of_the_harness_is_not_that_of_the_program(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "7")
    monkeypatch.setenv("LINES", "7")
    session = os.getsid(0)
    outcome = run("""
        actors:
          t:
            terminal:
              - sh
              - -c
              - |
                env | grep -c "COLUMNS\\|LINES"
                echo $$TERM
                sed "s/.*) //" /proc/$$$$/stat
                exec sleep 100
            environment: {TERM: vt100}
        steps:
          - start: t
          - expect: {of: t, line: "0"}
          - expect: {of: t, line: vt100}
          - expect: {of: t, line: {contains: " ${t.pid} ${t.pid} "}}
        """)
    assert outcome.verdict is Verdict.PASSED, outcome.failure
    assert os.getsid(0) == session
