"""A failed timeline beside one that passed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness.model.outcome import Failure, Outcome, Verdict
from harness.model.source import Location
from harness.model.timeline import Moment, What
from harness.report.beside import ROWS, beside_block
from harness.report.run import Result
from harness.report.text import columns

if TYPE_CHECKING:
    from collections.abc import Callable

PLACE = Location("a.yaml", 1, 1)


def item(*moments: Moment, here: int | None = None) -> Outcome:
    verdict = Verdict.PASSED if here is None else Verdict.FAILED
    failure = None if here is None else Failure(Location("a.yaml", 9, 5), "no", moment=here)
    seconds = moments[-1].at if moments else 0.0
    return Outcome("a", "a", (), "riser", verdict, PLACE, seconds, failure, timeline=moments)


def course(*texts: str, start: float = 0.0) -> list[Moment]:
    """A moment a millisecond: a step where the text begins with `!`, else something received."""
    return [
        Moment(start + number / 1000, "harness", What.STEP, text[1:])
        if text.startswith("!")
        else Moment(start + number / 1000, "c", What.RECEIVED, text)
        for number, text in enumerate(texts)
    ]


def shown(red: Outcome, passed: Outcome | None, *, width: int = 100) -> list[str]:
    return [line.text for line in beside_block(Result(red, "x", passed=passed), width=width)]


def test_both_courses_stand_side_by_side_and_a_bar_is_where_they_part(golden: Callable[[str, str], None]) -> None:
    red = item(*course("!start d", "one", "!talk c", "two 17", "wrong", "later"), here=4)
    passed = item(*course("!start d", "one", "!talk c", "two 18", "right", "!close c", "other", start=0.01))
    golden("beside.txt", "\n".join(shown(red, passed)) + "\n")


def test_without_a_time_that_passed_there_is_nothing() -> None:
    assert shown(item(*course("!start d", "x"), here=1), None) == []


def test_the_step_is_found_again_by_how_often_its_words_came_before() -> None:
    red = item(*course("!talk c", "ok", "!talk c", "bad"), here=3)
    passed = item(*course("!talk c", "ok", "!talk c", "good", "!talk c", "never seen"))
    text = "\n".join(shown(red, passed))
    assert "< good" in text
    assert "never seen" not in text


def test_a_long_course_is_cut_to_what_is_near_the_failure_and_what_is_left_out_is_counted() -> None:
    alike = [f"line {number}" for number in range(2000)]
    red = item(*course("!talk c", *alike, "bad"), here=2001)
    lines = shown(red, item(*course("!talk c", *alike, "good")))
    assert len(lines) <= ROWS + 3
    assert any("more" in line for line in lines)
    assert any("< bad" in line and "<- here" in line and "< good" in line for line in lines)


@pytest.mark.parametrize("width", [20, 60, 80, 120, 200])
def test_no_line_is_wider_than_asked(width: int) -> None:
    red = item(*course("!talk c", "x" * 300, "漢" * 300), here=2)
    passed = item(*course("!talk c", "y" * 300))
    assert max(map(columns, shown(red, passed, width=width))) <= max(width, 60)


def test_a_failure_without_a_moment_and_an_empty_course_can_be_compared() -> None:
    red = item(*course("!talk c", "x"), here=0)
    assert red.failure is not None
    leaked = replace(red, failure=replace(red.failure, moment=None, location=PLACE))
    assert shown(leaked, item(*course("!talk c", "y")))
    assert shown(leaked, item())
    assert shown(replace(leaked, timeline=()), item()) == []
