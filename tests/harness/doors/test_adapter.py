"""`harness adapter check`: an author is told the first thing that is missing, and what to do next."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.harness.doors.conftest import SMALL, complaints

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.doors.conftest import Harness, Write

ROOT = Path(__file__).parents[3]

MANIFEST = """\
name: mine
language: python
version: "0.1"
homepage: https://example.org/
command: ["${python}", -I, -S, mine.py]
profiles: [core]
"""

STAGES = {
    "nothing": "import sys\nsys.exit('there is nothing here yet')\n",
    "deaf": f"""\
import os, sys
os.execve(sys.executable, [sys.executable, "-I", "-S", "{SMALL}", sys.argv[1]], {{**os.environ, "FAULTS": "status_3"}})
""",
}


@pytest.mark.parametrize("stage", STAGES)
def test_the_first_step_that_is_not_taken_is_explained(
    harness: Harness, write: Write, project: Path, golden: Callable[[str, str], None], stage: str
) -> None:
    write("mine.py", STAGES[stage])
    write("mine.yaml", MANIFEST.replace("mine.py", str(project / "mine.py")))
    done = harness("adapter", "check", "mine.yaml")
    assert complaints(done.stderr) == ""
    golden(f"adapter-{stage}.txt", done.stdout)
    assert done.returncode == 1


def test_the_reference_takes_every_step(harness: Harness, golden: Callable[[str, str], None]) -> None:
    done = harness("adapter", "check", str(ROOT / "implementations" / "riser.yaml"))
    golden("adapter-riser.txt", done.stdout.replace(str(ROOT), "ROOT"))
    assert done.returncode == 0


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_example_of_the_tutorial_takes_every_step_but_those_that_it_leaves_out(harness: Harness) -> None:
    manifest = ROOT / "examples" / "node" / "node.yaml"
    done = harness("adapter", "check", str(manifest))
    assert done.returncode == 0
    assert "12 of 13  not offered  it has children\n" in done.stdout
    assert "13 of 13  failed       it has statistics\n" in done.stdout
    assert done.stdout.count("  passed  ") == 11


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_example_of_the_tutorial_does_what_its_manifest_says(harness: Harness, project: Path) -> None:
    manifest = ROOT / "examples" / "node" / "node.yaml"
    done = harness(
        "run", str(ROOT / "scenarios"), "--implementation", str(manifest), "--report", "r.jsonl",
        *(word for clause in ("server.threads", "stop.forced", "stat.fields") for word in ("--clause", clause)),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    verdicts = {
        entry["outcome"]["item"]: entry["outcome"]["verdict"]
        for entry in map(json.loads, (project / "r.jsonl").read_text().splitlines())
        if "outcome" in entry
    }
    assert verdicts["server/threads"] == "passed"
    assert verdicts["stop/forced[server,tcp,0]"] == "passed"
    assert verdicts["stop/forced[server,tcp,2]"] == "unsupported"
    assert verdicts["stat/fields[server]"] == "xfailed"


def test_a_manifest_that_cannot_be_read_comes_first(harness: Harness, write: Write) -> None:
    write("mine.yaml", MANIFEST.replace("profiles", "profile"))
    done = harness("adapter", "check", "mine.yaml")
    assert "mine.yaml:6:1: `profile` is not an option of a manifest" in done.stderr
    assert done.returncode == 2
