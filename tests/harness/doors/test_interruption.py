"""Runs that are interrupted on a real terminal: what is stopped, what is said, and that the reports are whole."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from harness.report.jsonl import read_run
from tests.harness.doors.conftest import LIMIT, plain_environment
from tests.harness.doors.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.doors.conftest import Write

WAITING = """\
    scenario: it waits for long
    clauses: [talk.echo]
    actors:
      p:
        process: [sh, -c, 'echo $$$$ > "$$0.new"; mv "$$0.new" "$$0"; exec sleep 1000', "${here}/pid"]
        ready: {file: "${here}/pid"}
      d: {daemon: probe}
      c: {client: d}
    steps:
      - start: d
      - start: p
      - connect: c
      - talk: {to: c, send: echo one, expect: ok one}
      - write: "${here}/../../waits"
        content: now
      - expect: {of: c, line: hello, within: 10m}
    """


def press_control_c(terminal: Terminal) -> None:
    terminal.press("C")


def terminate(terminal: Terminal) -> None:
    terminal.process.send_signal(signal.SIGTERM)


@pytest.fixture
def waiting(project: Path, write: Write) -> Callable[..., Terminal]:
    """Begins a command in a terminal."""
    write("scenarios/talk/waits.yaml", WAITING)
    write("scenarios/talk/waits-too.yaml", WAITING.replace("/pid", "/pid-too"))

    def begin(*arguments: str, module: str) -> Terminal:
        environment = plain_environment(NO_COLOR="1", TERM="xterm")
        return Terminal(*arguments, cwd=project, environment=environment, module=module)

    return begin


def process_of(project: Path, name: str) -> int | None:
    """The process that a waiting scenario has started, once it waits."""
    path = project / "scenarios/talk" / name
    return int(path.read_text()) if path.exists() and path.read_text() else None


def is_gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize(("interrupt", "status"), [(press_control_c, 130), (terminate, 143)])
def test_an_interrupted_run_on_a_terminal_stops_everything_and_leaves_whole_reports(
    waiting: Callable[..., Terminal], project: Path, interrupt: Callable[[Terminal], None], status: int
) -> None:
    selection = ["run", "scenarios/talk", "--only", "echo", "--only", "waits"]
    with waiting(*selection, "--jobs", "4", "--report", "r.jsonl", "--junit", "r.xml", module="harness") as terminal:
        terminal.see("2 of 4: 2 passed, 0 failed")
        wait_until_it_waits(project)
        pids = [pid for name in ("pid", "pid-too") if (pid := process_of(project, name)) is not None]
        interrupt(terminal)
        assert terminal.end() == status
    assert pids
    assert all(map(is_gone, pids))
    assert "not run: 2 items\r\n  riser:talk/waits-too\r\n  riser:talk/waits\r\n" in terminal.shown
    last = terminal.shown.replace("\r\x1b[K", "")
    assert re.search(r"\r\ninterrupted: 2 items in \d+\.\d s\r\n2 passed, 0 failed\r\n$", last)
    assert "Traceback" not in terminal.shown
    run = read_run(project / "r.jsonl")
    assert run.footer.interrupted
    assert {left_out.item for left_out in run.footer.not_run} == {"talk/waits", "talk/waits-too"}
    interrupted = ET.parse(project / "r.xml").find(".//property[@name='not.run']")
    assert interrupted is not None
    assert interrupted.attrib["value"] == "2"


def test_a_second_control_c_ends_the_clean_up_and_still_leaves_no_process(
    waiting: Callable[..., Terminal], project: Path, write: Write
) -> None:
    write(
        "scenarios/talk/waits.yaml",
        WAITING.replace("echo $$$$", 'trap "" TERM; echo $$$$').replace("exec sleep 1000", "while :; do sleep 1; done"),
    )
    with waiting("run", "scenarios/talk/waits.yaml", module="harness") as terminal:
        wait_until_it_waits(project)
        pid = process_of(project, "pid")
        terminal.press("C")
        terminal.press("C")
        assert terminal.end() == 130
    assert pid is not None
    assert is_gone(pid)
    assert "Traceback" not in terminal.shown


@pytest.mark.parametrize("workers", [[], ["-n", "2"]])
def test_an_interrupted_pytest_stops_its_daemons(
    waiting: Callable[..., Terminal], project: Path, workers: list[str]
) -> None:
    (project / "pytest.ini").write_text("[pytest]\naddopts = -p no:hypothesispytest\n")
    with waiting("scenarios/talk/waits.yaml", *workers, module="pytest") as terminal:
        wait_until_it_waits(project)
        pid = process_of(project, "pid")
        terminal.press("C")
        assert terminal.end() == pytest.ExitCode.INTERRUPTED
    assert pid is not None
    assert is_gone(pid)
    assert "KeyboardInterrupt" in terminal.shown


def wait_until_it_waits(project: Path) -> None:
    deadline = time.monotonic() + LIMIT
    while not (project / "waits").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)  # A file of another process: there is nothing to wait on.
