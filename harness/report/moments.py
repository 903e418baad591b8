"""The part of a failure block that shows what happened: moments of all actors, on one clock.

 t-hup   actor     event
+0.000   harness   HUP to d 4711
+0.038   load#3    connect: ECONNREFUSED                                <- here
"""

from __future__ import annotations

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


def timeline_lines(outcome: Outcome, failure: Failure, *, rows: int, width: int) -> Iterator[Line]:
    moments = outcome.timeline
    decisive = failure.moment if failure.moment is not None else len(moments) - 1
    begin = dict(outcome.marks).get(failure.since) if failure.since is not None else None
    clock = "t" if begin is None else f"t-{failure.since}"
    shown = excerpt(moments, decisive=decisive, anchor=None if begin is None else _at(moments, begin), rows=rows)
    if not shown:
        return
    actors = [_actor(row.moment) for row in shown if isinstance(row, Shown)]
    time_width = max(8, columns(clock) + 2)
    actor_width = min(max(map(columns, ["actor", *actors])), 20)
    before = time_width + 3 + actor_width + 3
    here = "  <- here"
    text_width = width - before - len(here)
    texts = [_text(row.moment) for row in shown if isinstance(row, Shown)]
    here_column = min(max(map(columns, texts)), text_width)
    yield Line(Role.CLOCK, f"{clock:>{time_width}}   {pad('actor', actor_width)}   event")
    for row in shown:
        match row:
            case Gap(left_out):
                yield Line(Role.MOMENT, f"{'...':>{time_width}}   {left_out} more")
            case Shown(index, moment, alike):
                at = f"{moment.at - (begin or 0.0):+.3f}"
                actor = pad(cut(_actor(moment), actor_width), actor_width)
                text = _text(moment) + (f"   (and {alike} like it)" if alike else "")
                is_decisive = index == failure.moment
                text = pad(cut(text, text_width), here_column) + here if is_decisive else cut(text, width - before)
                yield Line(
                    Role.DECISIVE if is_decisive else Role.MOMENT, f"{at:>{time_width}}   {actor}   {text}".rstrip()
                )
            case _:
                assert_never(row)


def _at(moments: Sequence[Moment], time: float) -> int | None:
    """The moment that a mark of this time was made at: the last that is not after it."""
    return max((index for index, moment in enumerate(moments) if moment.at <= time), default=None)


def _actor(moment: Moment) -> str:
    return printable(f"{moment.actor} log" if moment.what is What.LOG else moment.actor)


def _text(moment: Moment) -> str:
    match moment.what:
        case What.SENT:
            return f"> {printable(moment.text)}"
        case What.RECEIVED:
            return f"< {printable(moment.text)}"
        case _:
            return printable(moment.text)
