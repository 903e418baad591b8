"""A service manager: what is said to it, by whom, and what a program finds that it starts with a socket."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from harness.engine.actors.notify import variables_of
from harness.model.outcome import Verdict

if TYPE_CHECKING:
    from tests.harness.conftest import Run

SAY = (
    "import os, socket, sys; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
    "for m in sys.argv[1:]: s.sendto(m.replace('@', str(os.getpid())).replace('|', chr(10)).encode(), "
    "os.environ['NOTIFY_SOCKET'])"
)


def saying(*messages: str) -> str:
    """Actors: a program that says this and ends, and its manager."""
    return f"""
        actors:
          p: {{process: {json.dumps([sys.executable, "-c", SAY, *messages])}}}
          m: {{notify: p, watchdog: 1500ms}}"""


def test_the_assignments_of_a_message() -> None:
    assert variables_of(b"READY=1\nSTATUS=a=b\n\nFDSTORE\n") == {"READY": "1", "STATUS": "a=b", "FDSTORE": ""}
    assert variables_of(b"STATUS=\xff") == {"STATUS": "\\xff"}


def test_a_message_is_awaited_with_its_variables_and_its_sender(run: Run) -> None:
    outcome = run(f"""{saying("READY=1|MAINPID=@")}
        steps:
          - start: p
          - notified: m
            where: {{READY: 1, MAINPID: "${{p.pid}}"}}
            pid: "${{p.pid}}"
            as: said
          - file: "/proc/${{said.pid}}/nothing"
            exists: false
          - exit: p
        """)
    assert outcome.verdict is Verdict.PASSED, outcome.failure


def test_a_message_is_matched_once(run: Run) -> None:
    outcome = run(f"""{saying("WATCHDOG=1", "WATCHDOG=1")}
        steps:
          - start: p
          - notified: m
            where: {{WATCHDOG: 1}}
          - notified: m
            where: {{WATCHDOG: 1}}
          - notified: m
            where: {{WATCHDOG: 1}}
        """)
    assert outcome.failure is not None
    assert outcome.failure.location.line == 12
    assert outcome.failure.message.startswith("no message to m with WATCHDOG 1: p ended with status 0")


def test_a_message_that_does_not_come_fails_with_what_came(run: Run) -> None:
    command = [sys.executable, "-c", f"{SAY}\nimport time; time.sleep(60)", "STATUS=starting", "RELOADING=1|X=2"]
    outcome = run(f"""
        actors:
          p: {{process: {json.dumps(command)}}}
          m: {{notify: p}}
        steps:
          - start: p
          - notified: m
            where: {{RELOADING: 1}}
            as: reloading
          - notified: m
            where: {{READY: 1}}
            within: 100ms
        """)
    assert outcome.failure is not None
    assert outcome.failure.message == (
        "no message to m with READY 1 within 100ms: there came STATUS=starting; RELOADING=1 X=2"
    )


def test_what_came_before_the_mark_does_not_count(run: Run) -> None:
    outcome = run(f"""{saying("READY=1", "RELOADING=1")}
        steps:
          - start: p
          - notified: m
            where: {{RELOADING: 1}}
            as: reloading
          - notified: m
            where: {{READY: 1}}
            since: reloading
        """)
    assert outcome.failure is not None
    assert outcome.failure.message.startswith("no message to m with READY 1 after reloading: p ended")


@pytest.mark.parametrize(("bound", "verdict"), [("{over: 50s}", Verdict.FAILED), ("{under: 50s}", Verdict.PASSED)])
def test_the_time_until_a_message_is_judged(run: Run, bound: str, verdict: Verdict) -> None:
    outcome = run(f"""{saying("READY=1")}
        steps:
          - start: p
          - notified: m
            where: {{READY: 1}}
            elapsed: {bound}
        """)
    assert outcome.verdict is verdict
    assert outcome.failure is None or outcome.failure.message.startswith("the time until it came: ")


def test_a_program_is_told_how_often_it_is_to_speak(run: Run) -> None:
    outcome = run("""
        actors:
          p: {process: [sh, -c, 'echo "$$WATCHDOG_USEC $$NOTIFY_SOCKET"']}
          m: {notify: p, watchdog: 1500ms}
        steps:
          - start: p
          - eventually: p
            log: "1500000 ${m.path}"
        """)
    assert outcome.verdict is Verdict.PASSED, outcome.failure


INHERITS = """
        needs: [daemon]
        actors:
          d: {{daemon: echo, inherits: {inherits}{more}}}
          c: {{client: "${{d.inherited}}"}}
        steps:
          - connect: c
          - launch: d
"""
LOOK = (
    "import os, socket, sys; s = socket.socket(fileno=3); "
    "print(os.environ['LISTEN_FDS'], os.environ['LISTEN_PID'] == str(os.getpid()), os.environ['LISTEN_PID'], "
    "s.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN), os.read(0, 1), s.accept()[0].send(b'hello\\n'), flush=True)"
)


@pytest.mark.parametrize("inherits", ["tcp", "unix", '"unix:${workspace}/own"'])
def test_a_daemon_finds_the_socket_that_it_inherits(run: Run, inherits: str) -> None:
    outcome = run(
        INHERITS.format(inherits=inherits, more="")
        + """
          - expect: c
            line: hello
          - exit: d
          - log: d
            line: {matches: "^1 True [0-9]+ 1 b'' 6$"}
          - close: c
          - connect: c
        """,
        sys.executable,
        "-c",
        LOOK,
    )
    assert outcome.verdict is Verdict.PASSED, outcome.failure


def test_the_scenario_may_say_for_whom_a_socket_is(run: Run) -> None:
    outcome = run(
        INHERITS.format(inherits="tcp", more=', environment: {LISTEN_PID: "1"}')
        + """
          - exit: d
          - log: d
            line: 1 False 1 1 b'' 6
        """,
        sys.executable,
        "-c",
        LOOK,
    )
    assert outcome.verdict is Verdict.PASSED, outcome.failure


def test_an_address_that_is_none_is_the_scenarios_mistake(run: Run) -> None:
    outcome = run(INHERITS.format(inherits="nowhere", more=""))
    assert outcome.verdict is Verdict.ERRORED
    assert outcome.failure is not None
    assert outcome.failure.message == "the address 'nowhere' is neither HOST:PORT nor unix:PATH"
