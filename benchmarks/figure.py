"""What a figure is: who is measured, how, and what is aimed at.

Everybody takes a turn in every round, so what else the machine does weighs on all alike; a ratio is taken within a
round, and what is told is the median of the rounds and their spread.
"""

import statistics
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

OURS = "riser"
LIMIT = "limit"
"""What does the least that the figure needs: in C, or with bare sockets."""


@dataclass(frozen=True)
class Aim:
    """What is aimed at: a ratio to a peer, at least so much; without a peer our own value, at most so much."""

    at_least: float
    stretch: float
    peer: str | None = None


@dataclass(frozen=True)
class Figure:
    """One line of the table, or one for each peer that is aimed at.

    `turns` are the measurements by peer, ours among them; a turn gives None where the peer cannot do it. `absent` are
    the peers that cannot be measured here, with the reason. `less_is_better` turns the ratio round. `limited_by` says
    what keeps our value from being better.
    """

    name: str
    title: str
    unit: str
    turns: Mapping[str, Callable[[], float | None]]
    aims: tuple[Aim, ...]
    limited_by: str
    less_is_better: bool = False
    absent: Mapping[str, str] = field(default_factory=dict)
    most_rounds: int = 99


@dataclass(frozen=True)
class Measured:
    """What came of a figure: each peer's values, round by round."""

    figure: Figure
    values: Mapping[str, list[float]]
    failures: Mapping[str, str] = field(default_factory=dict)
    """Who broke down in the middle, and how; their values are those from before."""

    def ratios(self, peer: str) -> list[float]:
        """How much better we are than the peer, round by round; over 1 is better, whatever is measured."""
        pairs = zip(self.values.get(OURS, []), self.values.get(peer, []), strict=False)
        if self.figure.less_is_better:
            return [theirs / ours for ours, theirs in pairs if ours]
        return [ours / theirs for ours, theirs in pairs if theirs]

    def reached(self, aim: Aim) -> str:
        """`stretch`, `yes`, `NO`, or `-` where there is nothing to compare."""
        if OURS in self.failures:
            return "NO"
        if aim.peer is not None:
            ratios = self.ratios(aim.peer)
            if not ratios:
                return "-"
            ratio = statistics.median(ratios)
            return "stretch" if ratio >= aim.stretch else "yes" if ratio >= aim.at_least else "NO"
        values = self.values.get(OURS)
        if not values:
            return "-"
        value = statistics.median(values)
        return "stretch" if value <= aim.stretch else "yes" if value <= aim.at_least else "NO"


def measure(figure: Figure, rounds: int) -> Measured:
    """Let everybody take a turn in every round; the order turns round with each."""
    values: dict[str, list[float]] = {name: [] for name in figure.turns}
    failures: dict[str, str] = {}
    for turn in range(min(rounds, figure.most_rounds)):
        names = [name for name in figure.turns if name not in failures]
        for name in names if turn % 2 == 0 else reversed(names):
            try:
                value = figure.turns[name]()
            except (RuntimeError, OSError, subprocess.SubprocessError) as failure:
                # The others' minutes are not to be lost for one.
                failures[name] = f"{type(failure).__name__}: {failure}"
                continue
            if value is not None:
                values[name].append(value)
    return Measured(figure, values, failures)


def lines(measured: Measured) -> Iterator[str]:
    """The figure as text: our value, then a line for each peer that was measured or is aimed at."""
    figure = measured.figure
    yield f"{figure.title}: {spread(measured.values.get(OURS, []), figure.unit)}"
    for aim in figure.aims:
        if aim.peer is None:
            yield f"    at most {number(aim.at_least)} (stretch {number(aim.stretch)}): {measured.reached(aim)}"
    yield from (f"    {peer} broke down: {how}" for peer, how in measured.failures.items())
    aims = {aim.peer: aim for aim in figure.aims if aim.peer is not None}
    for peer in [*(name for name in figure.turns if name != OURS), *(name for name in figure.absent)]:
        if peer in figure.absent:
            yield f"    {peer}: not measured, {figure.absent[peer]}"
            continue
        text = f"    {peer}: {spread(measured.values[peer], figure.unit)}"
        if ratios := measured.ratios(peer):
            text += f"; {spread(ratios, 'x')}"
        if peer in aims:
            aim = aims[peer]
            text += f", at least {number(aim.at_least)}x (stretch {number(aim.stretch)}x): {measured.reached(aim)}"
        yield text


def spread(values: list[float], unit: str) -> str:
    """The median, and from where to where the rounds lie."""
    if not values:
        return "-"
    unit = unit if unit in ("", "x") else f" {unit}"
    middle = f"{number(statistics.median(values))}{unit}"
    return middle if len(values) == 1 else f"{middle} ({number(min(values))} to {number(max(values))})"


def number(value: float) -> str:
    """A value as a reader wants it: three digits, or a whole number."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
