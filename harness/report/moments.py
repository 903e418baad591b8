"""The part of a failure block that shows what happened: moments of all actors, on one clock.

       t-hup   actor     event
      +0.000   harness   HUP to d 4711
      +0.038   load#3    connect: ECONNREFUSED                                <- here

Times count from the mark that the failure names, else from the beginning of the item. The clean-up after a failed step
explains nothing and is left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from harness.model.timeline import Moment, What
from harness.report.excerpt import Gap, Shown, excerpt
from harness.report.paint import Line, Role
from harness.report.text import columns, cut, pad, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.model.outcome import Failure, Outcome

MOST_ROWS = 14
WIDEST_ACTOR = 20
HERE = "  <- here"
HERE_COLUMN = 56
"""Where `HERE` stands behind shorter texts, so that the eye finds it."""
HARNESS = "harness"
_OWN_TIME = re.compile(
    r"(?:[A-Z], )?"  # Ruby's loggers begin with the level's initial
    r"\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?(?: #\d+)?\]?\s*"
)
"""The time that a log line begins with; the clock beside it says more, and in a narrow line it hides the message."""


@dataclass(frozen=True, slots=True)
class Story:
    """The moments that lead to a failure, and the one that shows it, if one does."""

    moments: tuple[Moment, ...]
    decisive: int | None


def story(outcome: Outcome, failure: Failure) -> Story:
    """What to tell. A step that fails without a moment of its own, for want of something, gets one: when it gave up."""
    during = sum(moment.at <= outcome.seconds for moment in outcome.timeline)
    if failure.moment is not None:
        return Story(outcome.timeline[: max(during, failure.moment + 1)], failure.moment)
    if failure.location == outcome.location:
        return Story(outcome.timeline, None)
    gave_up = Moment(outcome.seconds, HARNESS, What.NOTE, "the step fails")
    return Story((*outcome.timeline[:during], gave_up), during) if outcome.timeline else Story((), None)


def timeline_lines(outcome: Outcome, failure: Failure, *, rows: int, width: int) -> Iterator[Line]:
    """An excerpt of the timeline under its heading, `rows` lines beside that at most; nothing if nothing happened."""
    told = story(outcome, failure)
    begin = dict(outcome.marks).get(failure.since) if failure.since is not None else None
    shown = excerpt(
        told.moments,
        decisive=len(told.moments) - 1 if told.decisive is None else told.decisive,
        anchor=None if begin is None else _at(told.moments, begin),
        rows=min(rows, MOST_ROWS),
    )
    if not shown:
        return
    clock = "t" if begin is None else f"t-{failure.since}"
    time_width = max(8, columns(clock) + 2)
    moments = [row.moment for row in shown if isinstance(row, Shown)]
    actor_width = min(max(map(columns, ["actor", *map(actor_of, moments)])), WIDEST_ACTOR)
    room = width - time_width - actor_width - 6
    here_column = min(max(map(columns, map(text_of, moments))), HERE_COLUMN, room - len(HERE))
    yield Line(Role.CLOCK, f"{clock:>{time_width}}   {pad('actor', actor_width)}   event")
    for row in shown:
        match row:
            case Gap(left_out):
                yield Line(Role.MOMENT, f"{'...':>{time_width}}   {left_out} more")
            case Shown(index, moment, alike):
                at = f"{round(moment.at - (begin or 0.0), 3) + 0.0:+.3f}"  # + 0.0 makes -0.0 a 0.0
                start = f"{at:>{time_width}}   {pad(cut(actor_of(moment), actor_width), actor_width)}   "
                if index == told.decisive:
                    yield Line(Role.DECISIVE, start + pad(cut(text_of(moment), room - len(HERE)), here_column) + HERE)
                else:
                    count = f"   (and {alike} like it)" if alike else ""
                    yield Line(Role.MOMENT, start + cut(text_of(moment), room - len(count)) + count)
            case _:
                assert_never(row)


def _at(moments: Sequence[Moment], time: float) -> int | None:
    """The moment that a mark of this time was made at: the last that is not after it."""
    return max((index for index, moment in enumerate(moments) if moment.at <= time), default=None)


def actor_of(moment: Moment) -> str:
    """Whose lane it is; what a process writes and what it reports are kept apart, and signals come from the harness."""
    match moment.what:
        case What.LOG | What.EVENT:
            return printable(f"{moment.actor} {moment.what}")
        case What.SIGNAL:
            return HARNESS
        case _:
            return printable(moment.actor)


def text_of(moment: Moment) -> str:
    """What a moment says, in one printable line."""
    pid = "" if moment.pid is None else f" {moment.pid}"
    match moment.what:
        case What.LOG:
            return printable(moment.text[end.end() :] if (end := _OWN_TIME.match(moment.text)) else moment.text)
        case What.SENT:
            return f"> {printable(moment.text)}"
        case What.RECEIVED:
            return f"< {printable(moment.text)}"
        case What.SIGNAL:
            return printable(f"{moment.text} to {moment.actor}{pid}")
        case What.CONNECTED:
            return printable(f"connected {moment.text}")
        case What.BIRTH:
            return printable(f"process{pid} starts: {moment.text}")
        case What.EVENT | What.DEATH if pid:
            return printable(f"{moment.text} (process{pid})")
        case _:
            return printable(moment.text)
