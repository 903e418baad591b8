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

    def longest_gap(self, since: float, until: float) -> Gap:
        """The longest time between `since` and `until` in which no operation succeeded; the first of equals.

        The time before the first success and the time after the last one count like those between two.
        """
        first, last = bisect_left(self._ends, since), bisect_right(self._ends, until)
        longest, previous = Gap(since, since), since
        for end in (*islice(self._ends, first, last), until):
            if end - previous > longest.seconds:
                longest = Gap(previous, end)
            previous = end
        return longest

    def latency(self, percent: float) -> float | None:
        """The duration, in seconds, that so many percent of the successes did not exceed (nearest rank); None of none.

        0 gives the shortest and 100 the longest.
        """
        if not self._durations:
            return None
        rank = max(1, math.ceil(percent / 100 * len(self._durations)))
        return sorted(self._durations)[rank - 1]
