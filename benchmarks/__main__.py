"""The figures that this project is measured by, beside its peers, in one run.

    python -m benchmarks                  everything
    python -m benchmarks --only cpu --only echo --rounds 9
    python -m benchmarks --quick          one short round of each: shows that everything runs, and proves nothing
    python -m benchmarks --json figures.json

Exits with status 1 if a figure stays behind what is aimed at. A peer that is not on the machine is named and left out.
"""

import argparse
import json
import sys
from pathlib import Path

from benchmarks import connections, life, services, starting
from benchmarks.figure import Figure, lines, machine, measure

QUICK_SECONDS, SECONDS = 0.3, 2.0
ROUNDS = 5


def main() -> int:
    """Measure, print, and write as JSON if that is asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", metavar="NAME", help="a figure, by its name; may be repeated")
    parser.add_argument("--list", action="store_true", help="print the names of the figures")
    parser.add_argument("--quick", action="store_true", help="one short round of each")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"rounds of each figure; default: {ROUNDS}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there too")
    options = parser.parse_args()
    known = list(all_figures(QUICK_SECONDS if options.quick else SECONDS))
    if options.list:
        print(*(f"{figure.name:16} {figure.title}" for figure in known), sep="\n")
        return 0
    names = {figure.name for figure in known}
    if unknown := [name for name in options.only or [] if name not in names]:
        parser.error(f"no figure is called {unknown[0]}; there are {', '.join(sorted(names))}")
    chosen = [figure for figure in known if not options.only or figure.name in options.only]
    outcomes = []
    for figure in chosen:
        measured = measure(figure, 1 if options.quick else options.rounds)
        outcomes.append(measured)
        print(f"[{figure.name}]", *lines(measured), sep="\n", flush=True)
    if options.json:
        report = {"machine": machine(), "figures": [measured.as_json() for measured in outcomes]}
        options.json.write_text(json.dumps(report, indent=2) + "\n")
    print(*(f"{name}: {value}" for name, value in machine().items()), sep="; ")
    behind = [one.figure.name for one in outcomes if any(one.reached(aim) == "NO" for aim in one.figure.aims)]
    print("behind what is aimed at:", ", ".join(behind) if behind else "none")
    return 1 if behind and not options.quick else 0


def all_figures(seconds: float) -> list[Figure]:
    """Every figure, in the order of the table."""
    return [
        *connections.figures(seconds),
        *life.figures(),
        *services.figures(quick=seconds == QUICK_SECONDS),
        *starting.figures(),
    ]


if __name__ == "__main__":
    sys.exit(main())
