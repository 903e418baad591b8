"""The command: one figure with a report, what there is, and what it refuses."""

import json
import signal
import subprocess
import sys
from pathlib import Path

from benchmarks.effort import QUICK
from benchmarks.figure import OURS
from benchmarks.programs import children_of, wait_until_gone
from benchmarks.table import all_curves, all_figures

from ..conftest import DEADLINE_SECONDS, eventually

ROOT = Path(__file__).parents[2]


def test_one_figure_with_a_report(tmp_path: Path) -> None:
    report = tmp_path / "figures.json"
    done = run("--only", "import", "--quick", "--json", str(report))
    assert done.returncode == 0, done.stderr
    assert "import riser" in done.stdout
    told = json.loads(report.read_text())
    assert list(told["figures"]) == ["import"]
    (milliseconds,) = told["figures"]["import"]["values"][OURS]
    assert isinstance(milliseconds, float)
    assert told["curves"] == {}


def test_what_there_is_has_names_of_its_own() -> None:
    names = [line.split()[0] for line in run("--list").stdout.splitlines()]
    assert names == [one.name for one in all_figures(QUICK)] + [one.name for one in all_curves(QUICK)]
    assert len(set(names)) == len(names)


def test_a_figure_that_is_not_there_is_refused_with_the_names_of_those_that_are() -> None:
    done = run("--only", "colour")
    assert done.returncode == 2
    assert "no figure is called colour; there are check, check-growth," in done.stderr
    assert "Traceback" not in done.stderr


def test_who_ends_the_command_ends_what_it_has_started() -> None:
    """A daemon that is watched for ten seconds is there when the signal comes."""
    command = [sys.executable, "-m", "benchmarks", "--only", "idle"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        found: list[int] = []

        def a_server_has_children() -> bool:
            found[:] = all_below(process.pid)
            return len(found) > 3

        eventually(a_server_has_children, "the daemon, its server and two children")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == 128 + signal.SIGTERM
    wait_until_gone(found)


def all_below(pid: int) -> list[int]:
    found = children_of(pid)
    for child in found:
        found.extend(children_of(child))
    return found


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
