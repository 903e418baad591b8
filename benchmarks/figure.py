"""What a figure is: who is measured, how, and what is aimed at.

Everybody takes a turn in every round, so what else the machine does weighs on all alike; a ratio is taken within a
round, and what is told is the median of the rounds and their spread.
"""

import os
import statistics
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

OURS = "riser"


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
    the peers that are not on this machine, with the reason. `less_is_better` turns the ratio round.
    """

    name: str
    title: str
    unit: str
    turns: Mapping[str, Callable[[], float | None]]
    aims: tuple[Aim, ...]
    less_is_better: bool = False
    absent: Mapping[str, str] = field(default_factory=dict)
    rounds: int | None = None


@dataclass(frozen=True)
class Measured:
    """What came of a figure: each peer's values, round by round."""

    figure: Figure
    values: Mapping[str, list[float]]

    def ratios(self, peer: str) -> list[float]:
        """How much better we are than the peer, round by round; over 1 is better, whatever is measured."""
        pairs = zip(self.values.get(OURS, []), self.values.get(peer, []), strict=False)
        if self.figure.less_is_better:
            return [theirs / ours for ours, theirs in pairs if ours]
        return [ours / theirs for ours, theirs in pairs if theirs]

    def reached(self, aim: Aim) -> str:
        """`stretch`, `yes`, `NO`, or `-` where there is nothing to compare."""
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

    def as_json(self) -> dict[str, object]:
        """Everything, for a machine."""
        return {
            "name": self.figure.name,
            "title": self.figure.title,
            "unit": self.figure.unit,
            "values": dict(self.values),
            "absent": dict(self.figure.absent),
            "aims": [
                {
                    "peer": aim.peer,
                    "at least": aim.at_least,
                    "stretch": aim.stretch,
                    "ratios": self.ratios(aim.peer) if aim.peer else None,
                    "reached": self.reached(aim),
                }
                for aim in self.figure.aims
            ],
        }


def measure(figure: Figure, rounds: int) -> Measured:
    """Let everybody take a turn in every round; the order turns round with each."""
    values: dict[str, list[float]] = {name: [] for name in figure.turns}
    for number in range(figure.rounds or rounds):
        names = list(figure.turns)
        for name in names if number % 2 == 0 else reversed(names):
            value = figure.turns[name]()
            if value is not None:
                values[name].append(value)
    return Measured(figure, values)


def lines(measured: Measured) -> Iterator[str]:
    """The figure as text: our value, then a line for each peer that was measured or is aimed at."""
    figure = measured.figure
    yield f"{figure.title}: {_spread(measured.values.get(OURS, []), figure.unit)}"
    for aim in figure.aims:
        if aim.peer is None:
            yield f"    at most {_number(aim.at_least)} (stretch {_number(aim.stretch)}): {measured.reached(aim)}"
    aims = {aim.peer: aim for aim in figure.aims if aim.peer is not None}
    for peer in [*(name for name in figure.turns if name != OURS), *(name for name in figure.absent)]:
        if peer in figure.absent:
            yield f"    {peer}: not measured, {figure.absent[peer]}"
            continue
        text = f"    {peer}: {_spread(measured.values[peer], figure.unit)}"
        if ratios := measured.ratios(peer):
            text += f"; {_spread(ratios, 'x')}"
        if peer in aims:
            aim = aims[peer]
            text += f", at least {aim.at_least:g}x (stretch {aim.stretch:g}x): {measured.reached(aim)}"
        yield text


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    return {
        "kernel": " ".join(os.uname()[:3:2]),
        "machine": os.uname().machine,
        "cores": len(os.sched_getaffinity(0)),
        "load": [round(load, 2) for load in os.getloadavg()],
    }


def _spread(values: list[float], unit: str) -> str:
    if not values:
        return "-"
    middle = f"{_number(statistics.median(values))}{unit if unit == 'x' else ' ' + unit}"
    return middle if len(values) == 1 else f"{middle} ({_number(min(values))} to {_number(max(values))})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
