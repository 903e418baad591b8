"""`harness new` and `harness record`: files that pass as they are made, and what is refused."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

from harness.cli import main
from tests.harness.doors.conftest import LIMIT, complaints, plain_environment
from tests.harness.doors.terminal import Terminal

if TYPE_CHECKING:
    from tests.harness.doors.conftest import Harness, Write

GREETER = """\
    import os, random, signal, socketserver, sys

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            for line in self.rfile:
                letters, number = "".join(random.choices("abcdef", k=30)), random.randrange(10**20, 10**21)
                word = {b"luck\\n": letters, b"number\\n": number}.get(line, os.getpid())
                # In one piece, so that no line of an answer comes behind the next question.
                self.wfile.write(b"hello " + line.strip() + f" {word} day\\ndone\\n".encode())

    class Server(socketserver.ThreadingUnixStreamServer):
        pass

    def stop(*_):
        os.unlink("it.sock")
        os._exit(0)

    with Server("it.sock", Handler) as server:
        signal.signal(signal.SIGTERM, stop)
        print("up", flush=True)
        server.serve_forever()
    """
ADDRESS = "unix:${p.directory}/it.sock"


class Record(Protocol):
    """Records what is typed into a pipe."""

    def __call__(self, typed: str, *arguments: str) -> subprocess.CompletedProcess[str]: ...


@pytest.fixture
def record(project: Path) -> Record:
    """Runs `harness record` in the project."""

    def run(typed: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "harness", "record", *arguments],
            cwd=project, env=plain_environment(), input=typed, capture_output=True, text=True, timeout=LIMIT,
            check=False,
        )  # fmt: skip

    return run


# new.


@pytest.mark.parametrize(("option", "again"), [([], ""), (["--implementation", "other"], " --implementation other")])
def test_a_new_scenario_passes_as_it_stands(harness: Harness, project: Path, option: list[str], again: str) -> None:
    done = harness("new", "scenarios/talk/mine.yaml", "--clause", "talk.echo", *option)
    assert done.stdout == f"made: scenarios/talk/mine.yaml\nto run it: harness run scenarios/talk/mine.yaml{again}\n"
    assert harness("format", "--check", "scenarios/talk/mine.yaml").returncode == 0
    run = harness(*done.stdout.splitlines()[-1].split()[4:])
    assert run.stdout.splitlines()[-1] == "1 passed, 0 failed"
    assert (project / "scenarios/talk/mine.yaml").stat().st_mode & 0o777 == 0o644


def test_outside_of_a_suite_no_clause_is_needed(harness: Harness, project: Path) -> None:
    (project / "mine").mkdir()
    assert harness("new", "mine/one.yaml").returncode == 0
    assert "clauses" not in (project / "mine/one.yaml").read_text()
    assert harness("run", "mine/one.yaml").returncode == 0


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("command", ["new", "record"])
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["scenarios/talk/echo.yaml"], "scenarios/talk/echo.yaml is there already, and is not touched"),
        (["one.yml"], "one.yml is no name for a scenario: that of a scenario ends in .yaml"),
        (["clauses.yaml"], "clauses.yaml is no name for a scenario: it is the list of a suite's clauses"),
        (
            ["defaults.yaml"],
            "defaults.yaml is no name for a scenario: it is what the scenarios of a folder have in common",
        ),
        (["a.macros.yaml"], "a.macros.yaml is no name for a scenario: what ends in macros.yaml is a file of macros"),
        ([".hidden.yaml"], ".hidden.yaml is no name for a scenario: a hidden file is not found"),
        (["no/one.yaml"], "no/one.yaml cannot be written: there is no directory no"),
        (["scenarios/x.yaml"], "a scenario of this suite checks one of its 4 clauses: --clause ID"),
        (
            ["scenarios/x.yaml", "--clause", "talk.ecko"],
            "there is no clause 'talk.ecko' in this suite; did you mean 'talk.echo'?",
        ),
        (["x.yaml", "--implementation", "risr"], "there is no implementation 'risr'; there are: "),
    ],
)
def test_what_cannot_be_made_is_refused(
    capsys: pytest.CaptureFixture[str], command: str, arguments: list[str], said: str
) -> None:
    assert main([command, *arguments]) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith(f"harness: error: {said}")
    assert shown.out == ""


def test_an_implementation_without_the_core_profile_is_refused(
    project: Path, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (project / "implementations/other.yaml").read_text()
    write("implementations/odd.yaml", text.replace("[core]", "[daemon]"))
    assert main(["new", "x.yaml", "--implementation", "odd"]) == 2
    assert "other does not offer the core profile" in capsys.readouterr().err
    assert not (project / "x.yaml").exists()


def test_a_file_that_comes_meanwhile_is_not_replaced(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("harness.cli.beginning.check_place", lambda _path: None)
    (project / "x.yaml").write_text("mine")
    assert main(["new", "x.yaml"]) == 2
    assert capsys.readouterr().err == "harness: error: x.yaml cannot be written: file exists\n"
    assert (project / "x.yaml").read_text() == "mine"
    assert not list(project.glob(".x*"))


# record.


def test_a_conversation_with_the_testee_becomes_a_scenario_that_passes(
    record: Record, harness: Harness, project: Path
) -> None:
    typed = 'echo one\npid\necho $x "q" # y: z\n!close\n!connect\n!!bang\n!close\n!signal TERM\n'
    done = record(typed, "scenarios/talk/mine.yaml", "--clause", "talk.echo")
    assert complaints(done.stderr) == ""
    assert done.returncode == 0
    assert "> echo one\n< ok one\n> pid\n< ok " in done.stdout
    text = (project / "scenarios/talk/mine.yaml").read_text()
    assert text.startswith('scenario: "mine, as it was recorded"\nclauses: [talk.echo]\n')
    assert "  - talk: {to: c, send: echo one, expect: ok one}\n" in text
    assert re.search(r"send: pid, expect: \"ok \$\{d\.(server|pid)\}\"\}", text)
    assert r'send: "echo $$x \"q\" # y: z", expect: "ok $$x \"q\" # y: z"}' in text
    assert "  - close: c\n  - connect: c\n" in text
    assert 'send: "!bang"' in text
    assert harness("format", "--check", "scenarios/talk/mine.yaml").returncode == 0
    assert harness("run", "scenarios/talk/mine.yaml", "--repeat", "3").returncode == 0


def test_what_differs_from_time_to_time_becomes_a_pattern(
    record: Record, harness: Harness, project: Path, write: Write
) -> None:
    write("own/greeter.py", GREETER)
    done = record(
        "one\nluck\nnumber\n!signal TERM\n",
        "own/mine.yaml",
        "--ready",
        "^up$",
        "--connect",
        ADDRESS,
        "--",
        "python3",
        "own/greeter.py",
    )
    assert complaints(done.stderr) == ""
    assert done.returncode == 0
    assert "not the same every time, and loosened: got 'hello luck " in done.stdout
    text = (project / "own/mine.yaml").read_text()
    assert 'process: [python3, "${here}/greeter.py"]' in text
    assert 'ready: {log: "^up$$"}' in text
    assert '{to: c, send: one, expect: "hello one ${p.pid} day"}' in text
    assert "{to: c, send: luck}" in text
    assert '{to: c, send: number, expect: {matches: "^hello number [0-9]+ day$$"}}' in text
    assert "expect: {of: c, line: done}" in text
    assert "signal: {to: p, signal: TERM}" in text
    assert harness("run", "own/mine.yaml").returncode == 0


def test_on_a_terminal_a_person_sees_what_comes(project: Path, harness: Harness) -> None:
    environment = plain_environment(NO_COLOR="1")
    with Terminal("record", "mine.yaml", cwd=project, environment=environment) as terminal:
        terminal.see("Ctrl-D ends\r\n> ")
        terminal.type("echo one")
        terminal.see("< ok one\r\n")
        terminal.type("!help")
        terminal.see("!signal NAME")
        terminal.type("!signal NONE")
        terminal.see("* not done: there is no signal NONE")
        terminal.type("!close")
        terminal.see("* the connection is closed")
        terminal.type("echo two")
        terminal.see("* not done: there is no connection: !connect opens one")
        terminal.type("!connect")
        terminal.see("* connected")
        terminal.type("echo three")
        terminal.see("< ok three\r\n")
        terminal.type("!signal kill")
        terminal.see("d ended by signal KILL")
        terminal.press("D")
        assert terminal.end() == 0
        assert "written, and it has passed 3 times: mine.yaml\r\n" in terminal.shown
    assert harness("run", "mine.yaml").returncode == 0


@pytest.mark.parametrize("key", ["C", "term"])
def test_an_interrupted_recording_leaves_no_process_and_no_file(project: Path, key: str) -> None:
    with Terminal("record", "mine.yaml", cwd=project, environment=plain_environment()) as terminal:
        shown = terminal.see("; !help")
        found = re.search(r"process (\d+)", shown)
        assert found is not None
        terminal.type("echo one")
        terminal.see("< ok one\r\n")
        if key == "C":
            terminal.press(key)
        else:
            terminal.process.send_signal(signal.SIGTERM)
        assert terminal.end() == (130 if key == "C" else 143)
        assert "interrupted: nothing was written" in terminal.shown
    assert not Path(f"/proc/{found[1]}").exists()
    assert not (project / "mine.yaml").exists()


def test_a_scenario_that_does_not_pass_is_written_and_said_not_to(record: Record, project: Path, write: Write) -> None:
    write("own/greeter.py", GREETER)
    done = record(
        "one\n", "own/mine.yaml", "--ready", "^up$", "--connect", ADDRESS, "--",
        "sh", "-c", f"mkdir {project}/seen && exec python3 {project}/own/greeter.py",
    )  # fmt: skip
    assert done.returncode == 1
    assert "written, and it does not pass: own/mine.yaml:" in done.stdout
    assert (project / "own/mine.yaml").exists()


@pytest.mark.parametrize(
    ("typed", "arguments", "said"),
    [
        ("", ["x.yaml"], "nothing was said, so there is nothing to write"),
        (
            "a\n",
            ["x.yaml", "--connect", "127.0.0.1:1"],
            "--connect and --ready are for a COMMAND, which comes after --",
        ),
        (
            "a\n",
            ["x.yaml", "--connect", "unix:/x", "--", "sleep", "9"],
            "by which line of its output does it say that it is ready? --ready PATTERN",
        ),
        ("a\n", ["x.yaml", "--", "sleep", "9"], "where does it listen? --connect HOST:PORT or unix:PATH"),
        (
            "a\n",
            ["x.yaml", "--connect", "unix:/x", "--ready", "up", "--", "false"],
            "there is nobody to talk to: no readiness of p: p ended with status 1",
        ),
    ],
)
def test_without_a_conversation_nothing_is_written(
    record: Record, project: Path, typed: str, arguments: list[str], said: str
) -> None:
    done = record(typed, *arguments)
    assert complaints(done.stderr) == f"harness: error: {said}\n"
    assert done.returncode == 2
    assert not (project / "x.yaml").exists()
