"""What was measured, as JSON: values only.

What a figure is and aims at stands in the code, so that its text can be mended without measuring again.
"""

import dataclasses
import json
import os
import platform
import re
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.curve import Curve, Traced
from benchmarks.figure import Figure, Measured

DIGITS = 5


@dataclass(frozen=True)
class Report:
    """One run of the command; figures and curves by their names."""

    machine: dict[str, str]
    figures: dict[str, dict[str, Any]]
    curves: dict[str, dict[str, Any]]

    def measured(self, figure: Figure) -> Measured | None:
        """What came of this figure; None if it is not in the report."""
        told = self.figures.get(figure.name)
        if told is None:
            return None
        return Measured(dataclasses.replace(figure, absent=told["absent"]), told["values"], told["failures"])

    def traced(self, curve: Curve) -> Traced | None:
        """What came of this curve; None if it is not in the report."""
        told = self.curves.get(curve.name)
        if told is None:
            return None
        points = {name: [(x, y) for x, y in series] for name, series in told["points"].items()}
        return Traced(dataclasses.replace(curve, absent=told["absent"]), points, told["failures"])


def report_of(machine: dict[str, str], figures: Iterable[Measured], curves: Iterable[Traced]) -> Report:
    """A run as it is written and read again."""
    return Report(
        machine,
        {
            one.figure.name: {
                "values": {name: [_short(value) for value in values] for name, values in one.values.items()},
                "failures": dict(one.failures),
                "absent": dict(one.figure.absent),
            }
            for one in figures
        },
        {
            one.curve.name: {
                "points": {name: [[_short(x), _short(y)] for x, y in points] for name, points in one.points.items()},
                "failures": dict(one.failures),
                "absent": dict(one.curve.absent),
            }
            for one in curves
        },
    )


def write(path: Path, report: Report) -> None:
    """Write a report, one figure or curve to a line."""
    parts = []
    for part, things in vars(report).items():
        lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(thing)}" for name, thing in things.items())
        parts.append(f" {json.dumps(part)}: {{\n{lines}\n }}")
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n")


def read(path: Path) -> Report:
    """Read it again."""
    return Report(**json.loads(path.read_text()))


def machine() -> dict[str, str]:
    """What the figures are measured on, and when."""
    return {
        "day": time.strftime("%Y-%m-%d", time.gmtime()),
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "kernel": f"{os.uname().sysname} {os.uname().release}",
        "Python": platform.python_version(),
        "Ruby": _first_line("ruby", "--version") or "none",
        "load before": f"{os.getloadavg()[0]:.1f}",
    }


def _processor() -> str:
    found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else os.uname().machine


def _first_line(*command: str) -> str:
    try:
        text = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return ""
    return text.partition("\n")[0]


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
