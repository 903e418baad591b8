"""The figures that this project is measured by, beside its peers, in one run.

    python -m benchmarks                  everything
    python -m benchmarks --only cpu --only echo --rounds 9
    python -m benchmarks --quick          one short round of each: shows that everything runs, and proves nothing
    python -m benchmarks --json figures.json
    python -m benchmarks --page figures.json      measure nothing, and make docs/performance.md of an earlier run

Exits with status 1 if a figure stays behind what is aimed at. A peer that is not on the machine is named and left out.
"""

import argparse
import dataclasses
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from benchmarks import curve, figure, page, report
from benchmarks.effort import FULL, QUICK, Effort
from benchmarks.table import all_curves, all_figures


def main() -> int:
    """Measure and print; or write the page."""
    options = _parser().parse_args()
    if options.page:
        page.write(report.read(options.page))
        return 0
    effort = QUICK if options.quick else dataclasses.replace(FULL, rounds=options.rounds)
    figures, curves = all_figures(effort), all_curves(effort)
    names = {one.name: one.title for one in figures} | {one.name: one.title for one in curves}
    if options.list:
        print(*(f"{name:28} {title}" for name, title in names.items()), sep="\n")
        return 0
    chosen = set(options.only or names)
    if unknown := [name for name in options.only or [] if name not in names]:
        print(f"no figure is called {unknown[0]}; there are {', '.join(sorted(names))}", file=sys.stderr)
        return 2
    # What was started is ended by those who started it, also when this process is told to end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    run = _Run(effort, options.json)
    for one in figures:
        if one.name in chosen:
            run.measure(one)
    for line in curves:
        if line.name in chosen:
            run.trace(line)
    print(*(f"{name}: {value}" for name, value in run.machine.items()), sep="; ")
    behind = [one.figure.name for one in run.measured if "NO" in map(one.reached, one.figure.aims)]
    print("behind what is aimed at:", ", ".join(behind) or "none")
    return 1 if behind and not options.quick else 0


class _Run:
    """What has been measured so far; printed and written as it comes, so that nothing of it is lost."""

    def __init__(self, effort: Effort, file: Path | None) -> None:
        self.machine = report.machine()
        self.measured: list[figure.Measured] = []
        self._traced: list[curve.Traced] = []
        self._effort = effort
        self._file = file
        self._began = time.monotonic()

    def measure(self, one: figure.Figure) -> None:
        self.measured.append(figure.measure(one, self._effort.rounds))
        self._tell(one.name, figure.lines(self.measured[-1]))

    def trace(self, one: curve.Curve) -> None:
        self._traced.append(curve.trace(one, self._effort.rounds))
        self._tell(one.name, curve.lines(self._traced[-1]))

    def _tell(self, name: str, lines: Iterable[str]) -> None:
        print(f"[{name}]", *lines, sep="\n", flush=True)
        self.machine["took"] = f"{(time.monotonic() - self._began) / 60:.1f} minutes"
        self.machine["rounds"] = str(self._effort.rounds)
        if self._file:
            report.write(self._file, report.report_of(self.machine, self.measured, self._traced))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", metavar="NAME", help="a figure or curve, by name; may be repeated")
    parser.add_argument("--list", action="store_true", help="print the names of the figures and curves")
    parser.add_argument("--quick", action="store_true", help="one short round of each")
    parser.add_argument(
        "--rounds", type=int, default=FULL.rounds, help=f"rounds of each figure; default: {FULL.rounds}"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there too")
    parser.add_argument("--page", type=Path, metavar="FILE", help="make the page of what --json wrote to this file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
