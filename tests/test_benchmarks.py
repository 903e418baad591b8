"""The benchmarks' own arithmetic, and that they say what they cannot do; no figure is a test."""

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.figure import OURS, Aim, Figure, lines, measure

ROOT = Path(__file__).parents[1]


def figure(ours: list[float], theirs: list[float | None], *aims: Aim, less_is_better: bool = False) -> Figure:
    one, other = iter(ours), iter(theirs)
    turns = {OURS: lambda: next(one), "peer": lambda: next(other)}
    return Figure("name", "what it is", "us", turns, aims, less_is_better=less_is_better, rounds=len(ours))


def test_a_ratio_is_the_median_of_the_rounds_and_over_one_is_better() -> None:
    aim = Aim(1.5, 3, "peer")
    assert measure(figure([30, 10, 20], [10, 10, 10], aim), 9).ratios("peer") == [3, 1, 2]
    less = measure(figure([10, 10, 20], [10, 30, 40], aim, less_is_better=True), 9)
    assert less.ratios("peer") == [1, 3, 2]
    assert less.reached(aim) == "yes"


def test_what_is_aimed_at_is_reached_or_not() -> None:
    assert measure(figure([10], [10], stays := Aim(2, 3, "peer")), 1).reached(stays) == "NO"
    assert measure(figure([30], [10], stays), 1).reached(stays) == "stretch"
    assert measure(figure([30], [None], stays), 1).reached(stays) == "-"
    assert measure(figure([30], [None], limit := Aim(40, 20)), 1).reached(limit) == "yes"
    assert measure(figure([50], [None], limit), 1).reached(limit) == "NO"
    assert measure(figure([0], [None], none := Aim(0, 0)), 1).reached(none) == "stretch"


def test_a_line_for_us_and_for_every_peer_also_for_one_that_is_not_there() -> None:
    measured = measure(figure([3000, 1000, 2000], [1000, 1000, 1000], Aim(1.5, 3, "peer")), 1)
    assert list(lines(measured)) == [
        "what it is: 2,000 us (1,000 to 3,000)",
        "    peer: 1,000 us (1,000 to 1,000); 2x (1 to 3), at least 1.5x (stretch 3x): yes",
    ]
    alone = Figure(
        "name", "what it is", "ms", {OURS: lambda: 12.0}, (Aim(50, 20),), absent={"peer": "it is not installed"}
    )
    assert list(lines(measure(alone, 1))) == [
        "what it is: 12 ms",
        "    at most 50 (stretch 20): stretch",
        "    peer: not measured, it is not installed",
    ]


def test_one_figure_from_the_command_with_a_report(tmp_path: Path) -> None:
    report = tmp_path / "figures.json"
    done = _run("--only", "import", "--quick", "--json", str(report))
    assert done.returncode == 0, done.stderr
    assert "import riser" in done.stdout
    (told,) = json.loads(report.read_text())["figures"]
    assert told["name"] == "import"
    assert told["values"][OURS][0] > 0


def test_a_figure_that_is_not_there_is_refused_with_the_names_of_those_that_are() -> None:
    done = _run("--only", "colour")
    assert done.returncode == 2
    assert "no figure is called colour; there are check, child-killed," in done.stderr
    assert "Traceback" not in done.stderr


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
