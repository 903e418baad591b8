"""`harness run --step`, on a real terminal: what a person sees, does, and leaves behind."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.harness.doors.conftest import LIMIT, plain_environment
from tests.harness.doors.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.doors.conftest import Harness, Write

ASKS = "? for help) "


@pytest.fixture
def session(project: Path) -> Callable[..., Terminal]:
    """Begins a session in the project."""

    def begin(*arguments: str) -> Terminal:
        return Terminal("run", *arguments, "--step", cwd=project, environment=plain_environment(NO_COLOR="1"))

    return begin


def pid_in(shown: str) -> int:
    found = re.search(r"\bd +daemon: runs; .*\bpid (\d+)", shown)
    assert found is not None, shown
    return int(found[1])


def is_gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def test_a_person_goes_through_a_scenario_step_by_step(session: Callable[..., Terminal]) -> None:
    with session("scenarios/talk/echo.yaml", "--only", "tcp") as terminal:
        first = terminal.see(ASKS)
        assert "talk/echo[tcp]: step 1 of 3, scenarios/talk/echo.yaml:9:5\r\n    9 |   - start: d\r\n" in first
        assert "  d      daemon: has not been started; directory " in first
        assert "  c      client: not connected\r\n" in first
        terminal.type("")
        assert pid_in(second := terminal.see(ASKS)) > 1
        assert re.search(r"address 127\.0\.0\.1:\d+; pid \d+", second)
        terminal.type("")
        assert re.search(r"client: connected; local 127\.0\.0\.1:\d+; received 0\r\n", terminal.see(ASKS))
        terminal.type("")
        last = terminal.see(ASKS)
        assert "talk/echo[tcp]: all steps are done; Enter stops the actors" in last
        assert "; received 7\r\n" in last
        terminal.type("")
        assert terminal.end() == 0
        assert "PASS talk/echo[tcp] " in terminal.shown


def test_actors_logs_and_timeline_are_shown_on_request(session: Callable[..., Terminal], write: Write) -> None:
    write(
        "scenarios/talk/says.yaml",
        """\
        scenario: it says a lot
        clauses: [talk.echo]
        actors: {p: {process: [sh, -c, "for n in 1 2 3; do echo line $$n; done; exec sleep 100"], ready: {log: line 3}}}
        steps:
          - start: p
          - signal:
              to: p
              signal: KILL
          - exit: {of: p, signal: KILL}
        """,
    )
    with session("scenarios/talk/says.yaml") as terminal:
        terminal.see(ASKS)
        terminal.type("")
        assert terminal.see(ASKS).endswith("         | line 3\r\n(Enter, a, l, t, c, q, ")
        terminal.type("l")
        assert "         | line 1\r\n         | line 2\r\n         | line 3\r\n" in terminal.see(ASKS)
        terminal.type("t")
        assert re.search(r"\+\d\.\d{3}  p log         line 3\r\n", terminal.see(ASKS))
        terminal.type("what")
        assert "Enter  do this step" in terminal.see(ASKS)
        terminal.type("")
        shown = terminal.see(ASKS)
        assert "    6 |   - signal:" not in shown
        terminal.type("a")
        assert "  p      process: " in terminal.see(ASKS)
        terminal.type("c")
        assert terminal.end() == 0


def test_a_step_is_shown_with_all_of_its_lines(session: Callable[..., Terminal], write: Write) -> None:
    write(
        "scenarios/talk/long.yaml",
        """\
        scenario: a step of several lines
        clauses: [talk.echo]
        actors: {d: {daemon: probe}, c: {client: d}}
        steps:
          - start: d
          - connect: c
          - talk: c
            send: echo one
            expect:
              contains: one

          - close: c
        """,
    )
    with session("scenarios/talk/long.yaml") as terminal:
        for _ in range(2):
            terminal.see(ASKS)
            terminal.type("")
        shown = terminal.see(ASKS)
        lines = [
            "    7 |   - talk: c",
            "    8 |     send: echo one",
            "    9 |     expect:",
            "   10 |       contains: one",
        ]
        assert "\r\n".join([*lines, "  d "]) in shown
        terminal.type("c")
        assert terminal.end() == 0


def test_who_goes_on_is_asked_again_when_a_step_fails_and_by_the_next_item(session: Callable[..., Terminal]) -> None:
    with session("scenarios/talk/wrong.yaml", "--repeat", "2") as terminal:
        for _ in range(2):
            assert "step 1 of 3" in terminal.see(ASKS)
            terminal.type("c")
            shown = terminal.see(ASKS)
            assert "talk/wrong: scenarios/talk/wrong.yaml:9:5: got 'ok one', expected 'ok two'; Enter stops" in shown
            assert not is_gone(pid_in(shown))
            terminal.type("")
        assert terminal.end() == 1


def test_the_steps_of_a_macro_are_shown_one_by_one_and_those_of_branches_are_not(
    session: Callable[..., Terminal], write: Write
) -> None:
    write(
        "scenarios/talk/shared.macros.yaml",
        """\
        macros:
          hello:
            does: connect
            inputs: [client]
            steps:
              - connect: "${client}"
              - talk: {to: "${client}", send: echo one, expect: ok one}
        """,
    )
    write(
        "scenarios/talk/use.yaml",
        """\
        scenario: a macro and branches
        clauses: [talk.echo]
        actors: {d: {daemon: probe}, a: {client: d}, b: {client: d}}
        steps:
          - start: d
          - use: shared.macros.yaml#hello
            with: {client: a}
          - parallel:
              one:
                - use: shared.macros.yaml#hello
                  with: {client: b}
              two:
                - talk: {to: a, send: echo two, expect: ok two}
        """,
    )
    with session("scenarios/talk/use.yaml") as terminal:
        heads = []
        for _ in range(6):
            shown = terminal.see(ASKS)
            found = re.search(r"talk/use: ([^\r]*?)[,;]", shown)
            assert found is not None
            heads.append(found[1])
            terminal.type("")
        assert terminal.end() == 0
    assert heads == [
        "step 1 of 3", "step 2 of 3", "a step of a macro", "a step of a macro", "step 3 of 3", "all steps are done",
    ]  # fmt: skip


def quit_by_key(terminal: Terminal) -> None:
    terminal.type("q")


def interrupt(terminal: Terminal) -> None:
    terminal.press("C")


def end_input(terminal: Terminal) -> None:
    terminal.press("D")


def terminate(terminal: Terminal) -> None:
    terminal.process.send_signal(signal.SIGTERM)


@pytest.mark.parametrize(
    ("leave", "status"), [(quit_by_key, 130), (interrupt, 130), (end_input, 130), (terminate, 143)]
)
def test_whoever_leaves_a_session_leaves_no_process(
    session: Callable[..., Terminal], leave: Callable[[Terminal], None], status: int
) -> None:
    with session("scenarios/talk/echo.yaml") as terminal:
        terminal.see(ASKS)
        terminal.type("")
        pid = pid_in(terminal.see(ASKS))
        leave(terminal)
        assert terminal.end() == status
        assert is_gone(pid)
        assert "not run: 2 items\r\n  riser:talk/echo[tcp]\r\n  riser:talk/echo[unix]\r\n" in terminal.shown
        assert "interrupted: 0 items in " in terminal.shown


def test_a_terminal_that_is_closed_ends_the_session_and_leaves_no_process(session: Callable[..., Terminal]) -> None:
    with session("scenarios/talk/echo.yaml") as terminal:
        terminal.see(ASKS)
        terminal.type("")
        pid = pid_in(terminal.see(ASKS))
        terminal.hang_up()
        terminal.process.wait(LIMIT)
        assert is_gone(pid)


def test_without_a_terminal_it_is_refused(harness: Harness, project: Path) -> None:
    done = harness("run", "scenarios/talk/echo.yaml", "--step", "--report", "r.jsonl")
    assert done.stderr == "harness: error: --step needs a terminal, and standard input is none\n"
    assert (done.returncode, done.stdout) == (2, "")
    assert not (project / "r.jsonl").exists()


def test_many_at_once_are_refused(project: Path) -> None:
    with Terminal("run", "--step", "--jobs", "2", cwd=project, environment=plain_environment()) as terminal:
        assert terminal.end() == 2
        assert terminal.shown == "harness: error: --step runs one item at a time, and --jobs asks for 2\r\n"
