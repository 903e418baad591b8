"""A project with a suite and an implementation, as a user of the command line or of pytest has one.

`HARNESS_GOLDEN=write pytest tests/harness` writes the golden files anew; the difference is then for a person to judge.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parent / "golden"
SMALL = Path(__file__).parents[1] / "testees" / "small.py"
LIMIT = 120.0
"""Seconds for any one command, many times what it takes."""

FILES = {
    "scenarios/clauses.yaml": """\
        talk:
          - {id: talk.echo, level: must, source: readme, says: "it answers what it is told to"}
          - {id: talk.often, level: should, source: original, says: "again and again"}
        stop:
          - {id: stop.clean, level: must, source: better, says: "it leaves nothing behind"}
          - {id: stop.tls, level: may, source: better, says: "it stops with TLS"}
        """,
    "scenarios/talk/echo.yaml": """\
        scenario: it answers
        clauses: [talk.echo]
        tags: [quick]
        matrix: {listen: [tcp, unix]}
        actors:
          d: {daemon: probe, listen: "${listen}"}
          c: {client: d}
        steps:
          - start: d
          - connect: c
          - talk: {to: c, send: echo one, expect: ok one}
        """,
    "scenarios/talk/wrong.yaml": """\
        scenario: it answers what nobody asked
        clauses: [talk.echo, talk.often]
        actors:
          d: {daemon: probe}
          c: {client: d}
        steps:
          - start: d
          - connect: c
          - talk: {to: c, send: echo one, expect: ok two}
        """,
    "scenarios/stop/leak.yaml": """\
        scenario: it leaves a process behind
        clauses: [stop.clean]
        actors:
          d: {daemon: probe, environment: {FAULTS: leave_child}}
        steps:
          - start: d
          - stop: d
        """,
    "scenarios/stop/known.yaml": """\
        scenario: it ends with another status
        clauses: [stop.clean]
        actors:
          d: {daemon: probe, environment: {FAULTS: status_3}}
        steps:
          - start: d
          - stop: d
        """,
    "scenarios/stop/tls.yaml": """\
        scenario: it stops with TLS
        clauses: [stop.tls]
        needs: [tls]
        actors:
          d: {daemon: probe}
        steps:
          - start: d
          - stop: d
        """,
    "implementations/riser.yaml": f"""\
        name: riser
        language: python
        version: "1.0"
        homepage: https://example.org/
        command: ["${{python}}", -I, -S, {SMALL}]
        profiles: [core, daemon]
        known:
          - {{scenario: stop/known, message: "with status 3", reason: "the status is wrong"}}
        """,
    "implementations/other.yaml": f"""\
        name: other
        language: python
        version: ["${{python}}", -c, "print('2.0')"]
        homepage: https://example.org/
        command: ["${{python}}", -I, -S, {SMALL}]
        profiles: [core]
        setup: pip install other
        """,
}


class Write(Protocol):
    """Writes a file of the project."""

    def __call__(self, name: str, text: str) -> None: ...


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes files below the project's directory."""

    def write_file(name: str, text: str) -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")

    return write_file


@pytest.fixture
def project(tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project's directory, which is the current one."""
    for name, text in FILES.items():
        write(name, text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Harness(Protocol):
    """Runs the command line in a process of its own."""

    def __call__(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]: ...


@pytest.fixture
def harness(project: Path) -> Harness:
    """Runs `harness` in the project."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "harness", *arguments],
            cwd=project,
            env=plain_environment(**environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )

    return run


def plain_environment(**more: str) -> dict[str, str]:
    """This process's environment without what changes the output."""
    hidden = ("NO_COLOR", "FORCE_COLOR", "GITHUB_ACTIONS", "COLUMNS", "PYTEST_ADDOPTS", "HARNESS_TIME_SCALE", "CI")
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    return kept | {"HARNESS_TIME_SCALE": "1"} | more


def complaints(errors: str) -> str:
    """What a command says on its error output, but for what asyncio in development mode says of a busy machine."""
    return "".join(line for line in errors.splitlines(keepends=True) if not line.startswith("Executing <"))


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Asserts that a text is what the golden file of that name holds, but for what differs from run to run."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        told = _without_chance(text)
        if os.environ.get("HARNESS_GOLDEN") == "write":
            path.write_text(told, encoding="utf-8")
        assert told == path.read_text(encoding="utf-8")

    return compare


def _without_chance(text: str) -> str:
    """Times, process ids, ports and the interpreter's path become signs of the same kind."""
    text = text.replace(sys.executable, "PYTHON").replace(str(SMALL), "small.py")
    for pattern, sign in [
        (r"\+\d+\.\d{3}", "+0.000"),
        (r"\d+\.\d+ s\b", "0.0 s"),
        (r"process \d+", "process 1"),
        (r"(process 1 starts:) .*", r"\1 COMMAND"),
        (r"(to d) \d+", r"\1 1"),
        (r"127\.0\.0\.1:\d+", "127.0.0.1:1"),
        (r"/\S*/h-\w+", "/h-x"),
        (r"\bharness \d[^\s:]*", "harness 0"),
        (r" +<- here", "   <- here"),
    ]:
        text = re.sub(pattern, sign, text)
    return text
