"""What the operations of a load have come to: counts, failures, gaps, latencies. Values in, values out.

Of an operation that succeeded only its end and its duration are kept, in arrays: 12 bytes each, so that minutes of load
cost megabytes. Of those that failed the first thousand are kept whole, and all are counted.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Unseen = Callable[[float, float], float]
    """How many seconds between two times nothing could be seen."""

_KEPT_FAILURES = 1000
_KEPT_SERVERS = 10_000


class Cause(StrEnum):
    """Why an operation failed."""

    REFUSED = "connection refused"
    RESET = "connection reset"
    CLOSED = "connection closed early"
    UNSAFE = "no TLS handshake"
    WRONG = "wrong answer"
    LATE = "time limit"
    BROKEN = "connection broken"
    """Any other error of the kernel's; the detail names it."""


@dataclass(frozen=True, slots=True)
class FailedOperation:
    """One operation that failed: whose, its number, when, why, and what had come until then."""

    client: int
    number: int
    began: float
    ended: float
    cause: Cause
    detail: str
    server: int | None = None
    """The process that had answered on the same connection before, where that is known."""
    moment: int | None = None
    """Its index in the timeline, where it was recorded."""

    def __str__(self) -> str:
        return f"#{self.client} operation {self.number}, {self.reason}"

    @property
    def reason(self) -> str:
        """Why it failed: "connection closed early (nothing came, last served by 4711)"."""
        served = None if self.server is None else f"last served by {self.server}"
        details = ", ".join(detail for detail in (self.detail, served) if detail)
        return f"{self.cause} ({details})" if details else str(self.cause)


@dataclass(frozen=True, slots=True)
class Gap:
    """A time without any operation that succeeded."""

    began: float
    ended: float

    @property
    def seconds(self) -> float:
        """How long it was."""
        return self.ended - self.began


class Tally:
    """The operations of one run of a load. All times are seconds on the timeline; ends come in order."""

    def __init__(self) -> None:
        self._ends = array("d")
        self._durations = array("f")
        self._failures: list[FailedOperation] = []
        self._failed = 0
        self._servers: set[int] = set()

    def succeed(self, began: float, ended: float, *, server: int | None = None) -> None:
        """Count an operation that got its answer, from process `server` where the answer tells."""
        self._ends.append(ended)
        self._durations.append(ended - began)
        if server is not None and len(self._servers) < _KEPT_SERVERS:
            self._servers.add(server)

    def fail(self, failure: FailedOperation) -> None:
        """Count an operation that failed."""
        self._failed += 1
        if len(self._failures) < _KEPT_FAILURES:
            self._failures.append(failure)

    @property
    def succeeded(self) -> int:
        """How many operations succeeded."""
        return len(self._ends)

    @property
    def failed(self) -> int:
        """How many operations failed."""
        return self._failed

    @property
    def done(self) -> int:
        """How many operations ended, well or not."""
        return self.succeeded + self.failed

    @property
    def servers(self) -> list[int]:
        """The pids in the answers, each once, in rising order."""
        return sorted(self._servers)

    @property
    def failures(self) -> tuple[FailedOperation, ...]:
        """The first thousand that failed, in the order of their ends."""
        return tuple(self._failures)

    def longest_gap(self, since: float, until: float, *, unseen: Unseen | None = None) -> Gap:
        """The longest time between `since` and `until` in which no operation succeeded; the first of equals.

        The time before the first success and the time after the last one count like those between two. With `unseen`,
        each counts for so many seconds less as that tells of it.
        """
        first, last = bisect_left(self._ends, since), bisect_right(self._ends, until)
        longest, previous, most = Gap(since, since), since, 0.0
        for end in (*islice(self._ends, first, last), until):
            # Most of many thousands need no second look.
            if end - previous > most:
                seconds = end - previous - (0.0 if unseen is None else unseen(previous, end))
                if seconds > most:
                    longest, most = Gap(previous, end), seconds
            previous = end
        return longest

    def latency(self, percent: float, *, unseen: Unseen | None = None) -> float | None:
        """The duration, in seconds, that so many percent of the successes did not exceed (nearest rank); None of none.

        0 gives the shortest and 100 the longest. With `unseen`, each counts for so much less as that tells of it.
        """
        if not self._durations:
            return None
        rank = max(1, math.ceil(percent / 100 * len(self._durations)))
        if unseen is None:
            return sorted(self._durations)[rank - 1]
        spans = zip(self._ends, self._durations, strict=True)
        return sorted(duration - unseen(end - duration, end) for end, duration in spans)[rank - 1]
