"""Matchers that cannot fail, or cannot hold.

What is counted or timed is never below zero, and every operator has operands for which it says nothing: `contains: ""`,
`at_least: 0`, `one_of: []`. Such a check looks like one and is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.load.codes import Code
from harness.model.matchers import (
    AtLeast,
    AtMost,
    Contains,
    Fields,
    Matcher,
    OneOf,
    Over,
    StartsWith,
    Under,
)
from harness.model.values import Duration

if TYPE_CHECKING:
    from collections.abc import Iterable


def weigh(matcher: Matcher) -> tuple[Code, str] | None:
    """Why this one operator always holds, or never does; None if it says something."""
    match matcher:
        case AtLeast(operand=operand) if _number(operand) <= 0:
            return Code.ALWAYS_TRUE, "counts and times are never below zero, so this always holds"
        case Over(operand=operand) if _number(operand) < 0:
            return Code.ALWAYS_TRUE, "counts and times are never below zero, so this always holds"
        case Under(operand=operand) if _number(operand) <= 0:
            return Code.NEVER_TRUE, "counts and times are never below zero, so this never holds"
        case AtMost(operand=operand) if _number(operand) < 0:
            return Code.NEVER_TRUE, "counts and times are never below zero, so this never holds"
        case Contains(operand=text) | StartsWith(operand=text) if text.parts == ("",):
            return Code.ALWAYS_TRUE, "nothing is part of every text, so this always holds"
        case OneOf(operand=()):
            return Code.NEVER_TRUE, "nothing is one of none, so this never holds"
        case Fields(operand=()):
            return Code.ALWAYS_TRUE, "without any field this always holds"
        case _:
            return None


def contradiction(matchers: Iterable[Matcher]) -> str | None:
    """Why no number passes all of these comparisons, if none does."""
    low, low_text, is_low_open = 0.0, "", False
    high, high_text, is_high_open = float("inf"), "", False
    for matcher in matchers:
        match matcher:
            case AtLeast(operand=operand) | Over(operand=operand):
                value, is_open = _number(operand), isinstance(matcher, Over)
                if (value, is_open) >= (low, is_low_open):
                    low, is_low_open = value, is_open
                    low_text = f"{'over' if is_open else 'at least'} {_spell(operand)}"
            case AtMost(operand=operand) | Under(operand=operand):
                value, is_open = _number(operand), isinstance(matcher, Under)
                if (value, not is_open) <= (high, not is_high_open):
                    high, is_high_open = value, is_open
                    high_text = f"{'under' if is_open else 'at most'} {_spell(operand)}"
            case _:
                pass
    if low_text and high_text and (low > high or (low == high and (is_low_open or is_high_open))):
        return f"nothing is {low_text} and {high_text}"
    return None


def _number(operand: float | Duration) -> float:
    return operand.seconds if isinstance(operand, Duration) else operand


def _spell(operand: float | Duration) -> str:
    return str(operand) if isinstance(operand, Duration) else f"{operand:g}"
