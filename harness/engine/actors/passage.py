"""What a proxy does with the next bytes of one direction of a connection, as a function from values to values.

Positions are counted in bytes of that direction. A fault begins at one of them, so that it does not depend on how the
kernel cuts the stream.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, assert_never

from harness.model.steps import Disturbance


@dataclass(frozen=True, slots=True)
class Plan:
    """A fault in one direction: `what`, from the byte at position `begin` on; `rate` in bytes a second."""

    what: Disturbance
    begin: int
    rate: int | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Pass:
    """Pass on so many bytes, inverted or as they are, and then wait so many seconds."""

    count: int
    is_garbled: bool = False
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Hold:
    """Pass on nothing until the fault is another."""


@dataclass(frozen=True, slots=True)
class End:
    """End the connection, in good order or with a reset."""

    is_reset: bool


Move: TypeAlias = Pass | Hold | End


def next_move(plan: Plan | None, *, position: int, available: int) -> Move:
    """What to do at this position, where so many bytes have come; none available stands for the end of the stream."""
    if plan is None:
        return Pass(available)
    if position < plan.begin:
        return Pass(min(available, plan.begin - position))
    match plan.what:
        case Disturbance.PAUSE:
            return Hold()
        case Disturbance.TRUNCATE | Disturbance.RESET:
            return End(is_reset=plan.what is Disturbance.RESET)
        case Disturbance.TRICKLE:
            assert plan.rate is not None
            return Pass(min(available, 1), seconds=1 / plan.rate if available else 0.0)
        case Disturbance.GARBLE if plan.count is None:
            return Pass(available, is_garbled=True)
        case Disturbance.GARBLE:
            assert plan.count is not None
            left = plan.begin + plan.count - position
            return Pass(min(available, left), is_garbled=True) if left > 0 else Pass(available)
        case Disturbance.GONE | Disturbance.RESUME:
            return Pass(available)
        case _:
            assert_never(plan.what)


def garbled(data: bytes) -> bytes:
    """The bytes with all their bits inverted."""
    return data.translate(_INVERTED)


_INVERTED = bytes(range(255, -1, -1))
