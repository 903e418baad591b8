"""From a timeline to lanes: who did what when, before anything is drawn.

The harness has the first lane, with the steps. Below it each actor has one, and where an actor is several processes
each process has one; a process lives from its birth, or from the first time that it was heard of, to its death.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from harness.model.timeline import Moment, What
from harness.report.moments import HARNESS, story

if TYPE_CHECKING:
    from harness.model.outcome import Outcome

MOST_LANES = 14
"""Lanes below the first one; the others are counted."""


class Mark(StrEnum):
    """What is marked on a lane."""

    EVENT = "e"
    LOG = "l"
    TALK = "t"
    NOTE = "n"


_MARKS = {
    What.EVENT: Mark.EVENT,
    What.LOG: Mark.LOG,
    What.SENT: Mark.TALK,
    What.RECEIVED: Mark.TALK,
    What.CONNECTED: Mark.TALK,
    What.CLOSED: Mark.TALK,
    What.OPERATION: Mark.NOTE,
    What.NOTE: Mark.NOTE,
}


@dataclass(slots=True)
class Lane:
    """An actor, or one of its processes; `born` and `died` are None for an actor that is none, or lives on."""

    actor: str
    pid: int | None
    is_first: bool
    born: float | None = None
    died: float | None = None
    marks: list[tuple[Mark, float]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Arrow:
    """A signal, from the harness to a lane."""

    at: float
    lane: int
    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """What is to be drawn. Times are in seconds since the item began; `finished` is when its last step ended.

    `fault` is when it failed, on which lane (0 is the harness), and in which of the steps; None where it passed.
    """

    seconds: float
    finished: float
    steps: tuple[tuple[float, str], ...]
    lanes: tuple[Lane, ...]
    arrows: tuple[Arrow, ...]
    left_out: int
    fault: tuple[float, int, int | None] | None


def picture(outcome: Outcome) -> Picture:
    """The lanes of an item's timeline."""
    lanes = _Lanes()
    arrows: list[tuple[Moment, Lane]] = []
    steps = [(moment.at, moment.text) for moment in outcome.timeline if moment.what is What.STEP]
    for moment in outcome.timeline:
        if moment.what is not What.STEP and moment.actor != HARNESS:
            lane = lanes.of(moment)
            if moment.what is What.SIGNAL:
                arrows.append((moment, lane))
    ordered = lanes.ordered()
    places = {id(lane): index for index, lane in enumerate(ordered[:MOST_LANES], 1)}
    return Picture(
        seconds=max([outcome.seconds, *(moment.at for moment in outcome.timeline)]),
        finished=outcome.seconds,
        steps=tuple(steps),
        lanes=tuple(ordered[:MOST_LANES]),
        arrows=tuple(Arrow(m.at, places[id(lane)], m.text) for m, lane in arrows if id(lane) in places),
        left_out=max(0, len(ordered) - MOST_LANES),
        fault=_fault(outcome, lanes, places),
    )


class _Lanes:
    """The lanes so far, by actor and process."""

    def __init__(self) -> None:
        self._lanes: dict[str, dict[int | None, Lane]] = {}

    def of(self, moment: Moment) -> Lane:
        """Put a moment on its lane."""
        own = self._lanes.setdefault(_actor(moment), {})
        lane = self._lane(own, moment)
        if lane.pid is not None and lane.born is None:
            lane.born = moment.at
        if moment.what is What.DEATH:
            lane.died = moment.at
        elif mark := _MARKS.get(moment.what):
            lane.marks.append((mark, moment.at))
        return lane

    def find(self, moment: Moment) -> Lane | None:
        """The lane that a moment was put on."""
        own = self._lanes.get(_actor(moment), {})
        return own.get(moment.pid) or next(iter(own.values()), None)

    def ordered(self) -> list[Lane]:
        """Those of one actor together."""
        return [lane for own in self._lanes.values() for lane in own.values()]

    @staticmethod
    def _lane(own: dict[int | None, Lane], moment: Moment) -> Lane:
        """A moment without a process belongs to the actor's first lane, which becomes that of its first process."""
        if moment.pid is None and own:
            return next(iter(own.values()))
        if moment.pid is not None and None in own:
            lane = own.pop(None)
            lane.pid = moment.pid
            own[moment.pid] = lane
            return lane
        if moment.pid not in own:
            own[moment.pid] = Lane(_actor(moment), moment.pid, is_first=not own)
        return own[moment.pid]


def _actor(moment: Moment) -> str:
    """The clients of a load, `load#7`, are on its lane."""
    return moment.actor.partition("#")[0]


def _fault(outcome: Outcome, lanes: _Lanes, places: dict[int, int]) -> tuple[float, int, int | None] | None:
    if outcome.failure is None or not outcome.timeline:
        return None
    told = story(outcome, outcome.failure)
    begun = sum(moment.what is What.STEP and moment.at <= outcome.seconds for moment in outcome.timeline)
    failing = begun - 1 if begun else None
    if told.decisive is None:
        return outcome.seconds, 0, failing
    moment = told.moments[told.decisive]
    lane = None if moment.actor == HARNESS else lanes.find(moment)
    return moment.at, places.get(id(lane), 0), failing
