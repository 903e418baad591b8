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
from pathlib import Path

from benchmarks import curve, figure, page, report
from benchmarks.effort import FULL, QUICK
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
    machine, began = report.machine(), time.monotonic()
    measured, traced = [], []
    for one in figures:
        if one.name in chosen:
            measured.append(figure.measure(one, effort.rounds))
            print(f"[{one.name}]", *figure.lines(measured[-1]), sep="\n", flush=True)
    for line in curves:
        if line.name in chosen:
            traced.append(curve.trace(line, effort.rounds))
            print(f"[{line.name}]", *curve.lines(traced[-1]), sep="\n", flush=True)
    machine["took"] = f"{(time.monotonic() - began) / 60:.1f} minutes"
    machine["rounds"] = str(effort.rounds)
    if options.json:
        report.write(options.json, report.report_of(machine, measured, traced))
    print(*(f"{name}: {value}" for name, value in machine.items()), sep="; ")
    behind = [one for one in measured if "NO" in map(one.reached, one.figure.aims)]
    print("behind what is aimed at:", ", ".join(one.figure.name for one in behind) or "none")
    return 1 if behind and not options.quick else 0


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
