"""What a run measures before its first item, so that a slow machine is given more time and nobody else is."""

from __future__ import annotations

import os
import statistics
import sys
import time

from harness.model.pace import Pace

_ROUNDS = 3
"""The one in the middle counts: one hiccup is no slow machine. Together they take 30 ms on a quiet one."""


def measure() -> Pace:
    """Start the smallest program a few times, one after another. Raises OSError where no process can be started."""
    return Pace(statistics.median(_start_and_end() for _ in range(_ROUNDS)))


def scale_of(given: float | None) -> float:
    """The time scale that was given, or else that of this machine as it is now. Raises what `measure` raises."""
    return measure().scale if given is None else given


def _start_and_end() -> float:
    began = time.monotonic()
    pid = os.posix_spawn(sys.executable, [sys.executable, "-I", "-S", "-c", ""], os.environ)
    os.waitpid(pid, 0)
    return time.monotonic() - began
