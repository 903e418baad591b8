"""What README.md shows is true: its programs run, its scenarios pass, and what they print is what it says.

A program that starts a server has to answer as an echo server until it is told to stop; any other has to end well. The
only change made to it is that the kernel chooses its port. A scenario is saved under the name that the console block
after it uses, and that block's command is carried out; times, process ids and ports may differ from what is printed.
"""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from .conftest import DEADLINE_SECONDS, running, talk

README = Path(__file__).parents[1] / "README.md"


@dataclass(frozen=True)
class Block:
    """One fenced block, with the line that it begins in."""

    kind: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{README.name}:{self.line}"


def blocks() -> Iterator[Block]:
    fence = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    text = README.read_text(encoding="utf-8")
    for match in fence.finditer(text):
        yield Block(match[1], text.count("\n", 0, match.start()) + 1, match[2])


PROGRAMS = [block for block in blocks() if block.kind == "python"]
SCENARIOS = [
    (scenario, console)
    for scenario, console in zip([*blocks()], [*blocks()][1:], strict=False)
    if scenario.kind == "yaml" and console.text.startswith("$ harness run ")
]


def test_every_scenario_block_is_followed_by_its_run() -> None:
    assert [str(block) for block in blocks() if block.kind == "yaml"] == [str(scenario) for scenario, _ in SCENARIOS]


@pytest.mark.parametrize("block", PROGRAMS, ids=str)
def test_a_program_does_what_it_is_shown_for(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "readme.py"
    path.write_text(block.text.replace("5000", "0"), encoding="utf-8")
    with running(path, place=tmp_path) as program:
        if ".start(" in block.text or "start_daemon(" in block.text:
            assert talk(program.port(), b"foo\n", b"bar\n") == [b"foo\n", b"bar\n", b""]
        else:
            assert (program.wait(), program.errors) == (0, "")


@pytest.mark.parametrize(("scenario", "console"), SCENARIOS, ids=str)
def test_a_scenario_prints_what_is_shown(scenario: Block, console: Block, tmp_path: Path) -> None:
    command, _, shown = console.text.partition("\n")
    words = shlex.split(command.removeprefix("$ "))
    (name,) = [word for word in words if word.endswith(".yaml")]
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(scenario.text, encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert without_chance(run.stdout) == without_chance(shown), run.stdout + run.stderr


def without_chance(text: str) -> str:
    """A report less what differs from run to run."""
    text = re.sub(r"\b\d+(\.\d+)? ?(us|ms|s)\b", "TIME", text)
    text = re.sub(r"\bpid[ :=]*\d+", "pid PID", text)
    text = re.sub(r"(?<=:)\d{4,5}\b", "PORT", text)
    return re.sub(r" +", " ", text).strip()
