"""What an item did when it was red, beside what it did when it passed: where the two part.

      this time                                   when it passed
      +0.020  c  > echo two                       +0.021  c  > echo two
      +0.022  c  end of file            <- here |
                                                | +0.023  c  < ok two

Moments of the same kind, which differ only in numbers, stand in one row; where only one side has a moment, or the two
differ, a bar stands between. What is alike for long, or far from the failure, is counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import TYPE_CHECKING, TypeAlias

from harness.model.timeline import Moment, What
from harness.report.excerpt import kind_of
from harness.report.failure import NARROWEST, WIDTH, why
from harness.report.moments import HARNESS, HERE, actor_of, story, text_of
from harness.report.paint import Line, Role
from harness.report.text import columns, cut, pad

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.model.outcome import Outcome
    from harness.report.run import Result

ROWS = 16
LOOK_BACK = 300
"""How many moments before the failure are compared: the effort grows with the square."""
ALIKE = 2
"""How many rows that are alike are shown before and behind those that are not."""


@dataclass(frozen=True, slots=True)
class Row:
    """A moment of each side, or of one; `is_here` marks the one that shows the failure."""

    left: Moment | None
    right: Moment | None
    is_alike: bool
    is_here: bool = False


Shown: TypeAlias = "Row | int"
"""A row, or so many that are left out."""


def beside_block(result: Result, *, width: int = WIDTH) -> tuple[Line, ...]:
    """The two timelines side by side, `ROWS` rows at most; nothing where the item has not passed too."""
    if result.passed is None:
        return ()
    shown = _condensed(_rows(result.outcome, result.passed))
    if not shown:
        return ()
    column = (max(width, NARROWEST) - 7) // 2
    moments = [moment for row in shown if isinstance(row, Row) for moment in (row.left, row.right) if moment]
    actor_width = min(max((columns(actor_of(moment)) for moment in moments), default=0), 10)
    title = f"  {pad('this time', column)}   when it passed"
    lines = [Line(Role.CLOCK, title)]
    for row in shown:
        if isinstance(row, int):
            lines.append(Line(Role.MOMENT, f"  {'...':>7}  {row} more"))
            continue
        here = HERE if row.is_here else ""
        left = pad(cut(_cell(row.left, actor_width), column - len(here)), column - len(here)) + here
        text = f"  {left} {' ' if row.is_alike else '|'} {cut(_cell(row.right, actor_width), column)}"
        lines.append(Line(Role.DECISIVE if row.is_here else Role.MOMENT, text.rstrip()))
    return tuple(lines)


def _rows(outcome: Outcome, passed: Outcome) -> list[Row]:
    """Both courses up to the end of the step that failed in the one."""
    told = story(outcome, why(outcome))
    here = len(told.moments) - 1 if told.decisive is None else told.decisive
    step = max((index for index, moment in enumerate(told.moments[: here + 1]) if _is_step(moment)), default=0)
    start = max(0, here - LOOK_BACK)
    left = told.moments[start : here + 1 + ALIKE]
    other = _same_step(told.moments, step, passed)
    end = next((index for index in range(other + 1, len(passed.timeline)) if _is_step(passed.timeline[index])), None)
    right = passed.timeline[max(0, other - (step - start)) : end]
    right = right[: LOOK_BACK + len(left)]
    rows: list[Row] = []
    parted = SequenceMatcher(None, [kind_of(each) for each in left], [kind_of(each) for each in right], autojunk=False)
    for what, left_from, left_to, right_from, right_to in parted.get_opcodes():
        for number, (one, two) in enumerate(zip_longest(left[left_from:left_to], right[right_from:right_to])):
            is_here = told.decisive is not None and start + left_from + number == told.decisive and one is not None
            rows.append(Row(one, two, is_alike=what == "equal" and not is_here, is_here=is_here))
    return rows


def _is_step(moment: Moment) -> bool:
    return moment.what is What.STEP and moment.actor == HARNESS


def _same_step(moments: Sequence[Moment], step: int, passed: Outcome) -> int:
    """Where the step began when it passed: as many steps of the same words came before; the beginning if none is it."""
    if not moments or not _is_step(moments[step]):
        return 0
    words = moments[step].text
    earlier = sum(_is_step(moment) and moment.text == words for moment in moments[:step])
    same = [index for index, moment in enumerate(passed.timeline) if _is_step(moment) and moment.text == words]
    return same[earlier] if earlier < len(same) else 0


def _condensed(rows: Sequence[Row]) -> list[Shown]:
    """What is near a difference, or to the failure; and of that, what is nearest to the failure."""
    near = {
        index + offset
        for index, row in enumerate(rows)
        if row.is_here or not row.is_alike
        for offset in range(-ALIKE, ALIKE + 1)
    }
    here = next((index for index, row in enumerate(rows) if row.is_here), len(rows) - 1)
    most = sorted(sorted(near & set(range(len(rows))), key=lambda index: abs(index - here))[:ROWS])
    return list(_with_gaps(rows, most))


def _with_gaps(rows: Sequence[Row], chosen: Sequence[int]) -> Iterator[Shown]:
    previous = -1
    for index in chosen:
        if index - previous > 1:
            yield index - previous - 1
        yield rows[index]
        previous = index


def _cell(moment: Moment | None, actor_width: int) -> str:
    if moment is None:
        return ""
    return f"{moment.at:+.3f}  {pad(cut(actor_of(moment), actor_width), actor_width)}  {text_of(moment)}"
