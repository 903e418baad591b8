"""docs/performance.md and its plots, made of what was measured.

The words come from the figures themselves, the values from a report. Nothing of the page is written by hand, so that
whoever measures again has all of it again.
"""

import statistics
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks.curve import Traced
from benchmarks.effort import FULL
from benchmarks.figure import OURS, Aim, Figure, Measured, number, spread
from benchmarks.plot import drawing
from benchmarks.report import Report
from benchmarks.table import all_curves, all_figures

DOCS = Path(__file__).parents[1] / "docs"
PAGE, PLOTS = "performance.md", "performance"
NOT_MEASURED = "not measured"

INTRODUCTION = """\
# Performance

This page is made by `python -m benchmarks --page FILE` of one run of `python -m benchmarks --json FILE`. Everybody
takes a turn in every round, ours first in one round and last in the next, so that what else the machine does weighs on
all alike. A ratio is taken within a round. Values and ratios are the median of the rounds, with the smallest and the
largest; a ratio over 1 is in our favour, whatever is measured. Clients and servers are on one machine and share its
cores; the load comes from one process in C (`benchmarks/flood.c`, and wrk for HTTP).

No figure is a test: a slow machine fails nothing.
"""
REPRODUCE = """\
## How to reproduce it

```console
$ python3 -m venv .venv && .venv/bin/pip install -e '.[bench,dask]'
$ python3 -m venv tavern && tavern/bin/pip install tavern 'pytest<9'
$ RUBYLIB=path/to/riser/lib:path/to/its/dependency/lib TAVERN=$PWD/tavern/bin/python \\
      .venv/bin/python -m benchmarks --json figures.json
$ .venv/bin/python -m benchmarks --page figures.json
```

It needs a C compiler. Peers that are not here are named and left out: the Ruby original (`ruby`, and the gem `riser` or
`RUBYLIB`), varnishtest (Debian: `varnish`), Tavern, and the extra `bench`. wrk (Debian: `wrk`) measures HTTP where it
is here, and `flood` where it is not. `--only NAME` measures one figure or curve; their names are in the tables above.
The curves up to 10,000 connections need as many descriptors (`ulimit -Hn`), and leave out what they cannot have.
"""


def write(report: Report, docs: Path = DOCS) -> None:
    """Write the page and its plots below a directory; plots of curves that are no more are removed."""
    plots = docs / PLOTS
    plots.mkdir(exist_ok=True)
    drawn = {f"{one.curve.name}.svg": drawing(one.curve, one.points) for one in _traced(report)}
    for old in plots.glob("*.svg"):
        if old.name not in drawn:
            old.unlink()
    for name, text in drawn.items():
        (plots / name).write_text(text)
    (docs / PAGE).write_text(text_of(report))


def text_of(report: Report) -> str:
    """The page."""
    figures = [(figure, report.measured(figure)) for figure in all_figures(FULL)]
    parts = [
        INTRODUCTION,
        "Measured on: " + "; ".join(f"{name}: {value}" for name, value in report.machine.items()) + ".\n",
        "## Figures\n",
        _table(
            ("figure", "what", "ours", "beside", "", "at least", "stretch", "reached"),
            (row for figure, measured in figures for row in _aims(figure, measured)),
        ),
        "## What everybody did, and what limits it\n",
        _table(
            ("figure", "who", "median (from to)", "ours is better by", "ours is limited by"),
            (row for figure, measured in figures for row in _everybody(figure, measured)),
        ),
        "## What one more costs\n",
        "By the straight line that fits the curve best.\n",
        _table(("what", "who", "curve"), (row for traced in _traced(report) for row in _one_more(traced))),
        "## How it grows\n",
        *(_section(traced) for traced in _traced(report)),
        REPRODUCE,
    ]
    return "\n".join(parts)


def _traced(report: Report) -> Iterator[Traced]:
    for curve in all_curves(FULL):
        if traced := report.traced(curve):
            yield traced


def _aims(figure: Figure, measured: Measured | None) -> Iterator[tuple[str, ...]]:
    """A row for each that is aimed at; the first has what the figure is, and our value."""
    head = (f"`{figure.name}`", figure.title, _ours(figure, measured))
    for aim in figure.aims:
        yield (*head, *_beside(aim, measured))
        head = ("", "", "")


def _ours(figure: Figure, measured: Measured | None) -> str:
    values = measured.values.get(OURS) if measured else None
    return spread([statistics.median(values)], figure.unit) if values else NOT_MEASURED


def _beside(aim: Aim, measured: Measured | None) -> tuple[str, ...]:
    reached = measured.reached(aim) if measured else "-"
    if aim.peer is None:
        return "", "", f"{number(aim.at_least)} at most", number(aim.stretch), reached
    ratios = measured.ratios(aim.peer) if measured else []
    ratio = f"{number(statistics.median(ratios))}x" if ratios else NOT_MEASURED
    return aim.peer, ratio, f"{number(aim.at_least)}x", f"{number(aim.stretch)}x", reached


def _everybody(figure: Figure, measured: Measured | None) -> Iterator[tuple[str, ...]]:
    """A row for us with what limits us, and one for each peer."""
    values = measured.values if measured else {}
    ours = spread(values[OURS], figure.unit) if values.get(OURS) else NOT_MEASURED
    yield f"`{figure.name}`", OURS, ours, "", figure.limited_by
    if measured is None:
        return
    for peer in values:
        if peer != OURS and peer not in measured.failures:
            ratios = spread(measured.ratios(peer), "x")
            yield "", peer, spread(values[peer], figure.unit) if values[peer] else "has no such thing", ratios, ""
    for peer, reason in measured.figure.absent.items():
        yield "", peer, f"{NOT_MEASURED}: {reason}", "", ""
    for peer, how in measured.failures.items():
        yield "", peer, f"broke down: {how}", "", ""


def _one_more(traced: Traced) -> Iterator[tuple[str, ...]]:
    for name in traced.points:
        if cost := traced.one_more(name):
            yield cost, name, f"`{traced.curve.name}`"


def _section(traced: Traced) -> str:
    """A plot, and the same as a table."""
    curve = traced.curve
    names = list(traced.points)
    places = sorted({x for points in traced.points.values() for x, _ in points})
    values = {name: dict(points) for name, points in traced.points.items()}
    rows = ((number(x), *(number(values[name][x]) if x in values[name] else "" for name in names)) for x in places)
    missing = [f"{name}: {NOT_MEASURED}, {reason}" for name, reason in curve.absent.items()]
    broken = [f"{name} broke down: {how}" for name, how in traced.failures.items()]
    gaps = "".join(f" {words}." for words in [*missing, *broken])
    return (
        f"### {curve.title}\n\n"
        f"`{curve.name}`, in {curve.y.title}; what it is made of: {curve.limited_by}.{gaps}\n\n"
        f"![{curve.title}]({PLOTS}/{curve.name}.svg)\n\n" + _table((curve.x.title, *names), rows)
    )


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', ' ') for cell in line)} |\n" for line in lines)
