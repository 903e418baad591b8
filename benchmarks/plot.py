"""A curve as a drawing: SVG by hand, a few kilobytes, readable on a light and on a dark page.

Colours are those of Okabe and Ito, which can be told apart by everybody; each series has a mark of its own shape too,
and its name beside it.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import escape

from benchmarks.curve import Axis, Curve, Points
from benchmarks.figure import number

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 78, 190, 44, 56
LINE = 18
STYLE = """\
svg { color: #1f2328 }
text { font: 12px system-ui, sans-serif; fill: currentColor }
.title { font-size: 14px; font-weight: 600 }
.grid { stroke: currentColor; stroke-opacity: .15 }
.line { fill: none; stroke-width: 2 }
.s0 { --c: #0072b2 } .s1 { --c: #d55e00 } .s2 { --c: #009e73 } .s3 { --c: #cc79a7 } .s4 { --c: #b58900 }
.s5 { --c: #56b4e9 } .s6 { --c: #777777 }
.line, .mark { stroke: var(--c) }
.mark { fill: var(--c) }
@media (prefers-color-scheme: dark) {
  svg { color: #e6edf3 }
  .s0 { --c: #58a6ff } .s1 { --c: #ff9248 } .s2 { --c: #2fd6a3 } .s3 { --c: #f0a3cc } .s4 { --c: #f0e442 }
  .s6 { --c: #a0a0a0 }
}"""
COLOURS, MARKS = 7, 5


@dataclass(frozen=True)
class Scale:
    """From values to places on the paper, and where the lines of the grid are."""

    place: Callable[[float], float]
    ticks: tuple[float, ...]


def drawing(curve: Curve, points: Mapping[str, Points]) -> str:
    """The whole file; series without points are left out, and a place that a logarithm cannot show with them."""
    shown = {name: _visible(curve, series) for name, series in points.items()}
    shown = {name: series for name, series in shown.items() if series}
    everything = [point for series in shown.values() for point in series]
    across = scale(curve.x, [x for x, _ in everything], start=LEFT, end=WIDTH - RIGHT)
    up = scale(curve.y, [y for _, y in everything], start=HEIGHT - BOTTOM, end=TOP)
    parts = [*_frame(curve, across, up)]
    for index, (name, series) in enumerate(shown.items()):
        places = [(across.place(x), up.place(y)) for x, y in series]
        parts.extend(_series(index, name, places))
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">\n'
        f"<title>{escape(curve.title)}</title>\n<style>\n{STYLE}\n</style>\n{body}\n</svg>\n"
    )


def scale(axis: Axis, values: list[float], *, start: float, end: float) -> Scale:
    """A scale that holds all values, from 0 or from a power of ten; a single one or none makes no difference."""
    if axis.is_logarithmic:
        least, most = min(values, default=1.0), max(values, default=10.0)
        first, last = math.floor(math.log10(least)), math.ceil(math.log10(most))
        last = max(last, first + 1)
        return Scale(
            lambda value: start + (math.log10(value) - first) / (last - first) * (end - start),
            tuple(10.0**power for power in range(first, last + 1)),
        )
    most = max(values, default=1.0) or 1.0
    step = _round_step(most)
    count = math.ceil(most / step)
    return Scale(
        lambda value: start + value / (step * count) * (end - start), tuple(step * tick for tick in range(count + 1))
    )


def _visible(curve: Curve, series: Points) -> Points:
    return [
        (x, y) for x, y in series if (x > 0 or not curve.x.is_logarithmic) and (y > 0 or not curve.y.is_logarithmic)
    ]


def _round_step(most: float) -> float:
    """1, 2 or 5 times a power of ten, so that there are some five steps to the largest value."""
    power: float = 10.0 ** math.floor(math.log10(most / 5))
    return next(power * times for times in (1, 2, 5, 10) if most / (power * times) <= 6)


def _frame(curve: Curve, across: Scale, up: Scale) -> Iterator[str]:
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    yield f'<text class="title" x="{LEFT}" y="24">{escape(curve.title)}</text>'
    for tick in up.ticks:
        y = up.place(tick)
        yield f'<line class="grid" x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{number(tick)}</text>'
    for tick in across.ticks:
        x = across.place(tick)
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}"/>'
        yield f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{number(tick)}</text>'
    yield f'<text x="{(LEFT + right) / 2}" y="{HEIGHT - 14}" text-anchor="middle">{escape(curve.x.title)}</text>'
    middle = (TOP + bottom) / 2
    yield (
        f'<text x="16" y="{middle}" text-anchor="middle" transform="rotate(-90 16 {middle})">'
        f"{escape(curve.y.title)}</text>"
    )


def _series(index: int, name: str, places: Iterable[tuple[float, float]]) -> Iterator[str]:
    """The line, its marks, and its name at the right with the same mark."""
    places = list(places)
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    x, y = WIDTH - RIGHT + 18, TOP + 6 + index * LINE
    yield f'<g class="s{index % COLOURS}">'
    yield f'<polyline class="line" points="{path}"/>'
    yield "".join(_mark(index, *place) for place in [*places, (x, y)])
    yield f'<text x="{x + 12}" y="{y + 4}">{escape(name)}</text></g>'


def _mark(index: int, x: float, y: float) -> str:
    match index % MARKS:
        case 0:
            return f'<circle class="mark" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>'
        case 1:
            return f'<path class="mark" d="M{x - 3.2:.1f} {y - 3.2:.1f}h6.4v6.4h-6.4z"/>'
        case 2:
            return f'<path class="mark" d="M{x:.1f} {y - 4:.1f}l4 7h-8z"/>'
        case 3:
            return f'<path class="mark" d="M{x:.1f} {y - 4.5:.1f}l4.5 4.5l-4.5 4.5l-4.5 -4.5z"/>'
        case _:
            return f'<path class="mark" d="M{x:.1f} {y + 4:.1f}l4 -7h-8z"/>'
