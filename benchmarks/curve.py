"""What a curve is: how something grows with something else, ours and our peers'.

A curve is told by a table and a plot, and where it is straight, by what one more costs.
"""

import statistics
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from benchmarks.figure import number

Points = list[tuple[float, float]]


@dataclass(frozen=True)
class Axis:
    """What is along it, and how: in steps that are added or multiplied."""

    title: str
    is_logarithmic: bool = False


@dataclass(frozen=True)
class Curve:
    """One plot: `series` by name, each giving its points from left to right; `absent` as those of a figure.

    `one_more` names what the slope of a straight curve is, `("KiB", 1024, "a connection")`: unit, factor, and for what.
    `limited_by` says what makes it grow.
    """

    name: str
    title: str
    x: Axis
    y: Axis
    series: Mapping[str, Callable[[], Iterable[tuple[float, float]]]]
    limited_by: str
    one_more: tuple[str, float, str] | None = None
    absent: Mapping[str, str] = field(default_factory=dict)
    most_rounds: int = 1


@dataclass(frozen=True)
class Traced:
    """What came of a curve."""

    curve: Curve
    points: Mapping[str, Points]
    failures: Mapping[str, str] = field(default_factory=dict)

    def one_more(self, name: str) -> str:
        """What one more costs, by the straight line that fits best; nothing where that makes no sense."""
        points = self.points.get(name, [])
        if self.curve.one_more is None or len(points) < 2:
            return ""
        unit, factor, what = self.curve.one_more
        slope = statistics.linear_regression([x for x, _ in points], [y for _, y in points]).slope
        return f"{number(slope * factor)} {unit} for {what}"


def trace(curve: Curve, rounds: int) -> Traced:
    """Measure every series in every round; at each place what counts is the median."""
    found: dict[str, dict[float, list[float]]] = {name: {} for name in curve.series}
    failures: dict[str, str] = {}
    for _ in range(min(rounds, curve.most_rounds)):
        for name in [name for name in curve.series if name not in failures]:
            try:
                for x, y in curve.series[name]():
                    found[name].setdefault(x, []).append(y)
            except (RuntimeError, OSError, subprocess.SubprocessError) as failure:
                failures[name] = f"{type(failure).__name__}: {failure}"
    points = {name: [(x, statistics.median(ys)) for x, ys in series.items()] for name, series in found.items()}
    return Traced(curve, points, failures)


def lines(traced: Traced) -> Iterator[str]:
    """The curve as text."""
    yield f"{traced.curve.title}: {traced.curve.y.title}, by {traced.curve.x.title}"
    for name, points in traced.points.items():
        yield f"    {name}: " + ", ".join(f"{number(x)}: {number(y)}" for x, y in points)
        if more := traced.one_more(name):
            yield f"        {more}"
    yield from (f"    {name} broke down: {how}" for name, how in traced.failures.items())
    yield from (f"    {name}: not measured, {why}" for name, why in traced.curve.absent.items())
