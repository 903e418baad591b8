"""How fast a machine is, and what that makes of time limits."""

from __future__ import annotations

import math
from dataclasses import dataclass

NORMAL = 0.025
"""Seconds that a process may take on a machine whose limits are not stretched; a quiet one of today takes 10 ms."""
LARGEST = 10.0
"""The most that limits are stretched by themselves: beyond it, somebody has to decide that it is worth the time."""


@dataclass(frozen=True, slots=True)
class Pace:
    """What was measured at the start of a run.

    `process` is how many seconds it took to start the smallest Python program and to see its end: that needs a
    processor, memory and a wake-up, as a daemon under test and the engine do.
    """

    process: float

    @property
    def scale(self) -> float:
        """The time scale for such a machine: from 1 to `LARGEST`, in tenths."""
        return min(LARGEST, max(1.0, math.ceil(round(self.process / NORMAL * 10, 3)) / 10))

    def __str__(self) -> str:
        return f"a process took {self.process * 1000:.0f} ms, {NORMAL * 1000:.0f} ms are normal"
