"""Two reports of the same items: what has become worse, what better, what has appeared and what has gone.

An item is as good as its worst round. What a machine lacks is no fault of the implementation: from passed to skipped is
a change, but no regression. An implementation that no longer offers what it passed has regressed.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from harness.model.outcome import Verdict
from harness.report.survey import worst

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.report.run import Result, Run


class Change(StrEnum):
    """What has become of an item, what matters most first."""

    REGRESSED = "regressed"
    """It is red and was not, or it passed and is a known failure or not offered any more."""
    PROGRESSED = "progressed"
    """The other way round."""
    APPEARED = "appeared"
    DISAPPEARED = "disappeared"
    NOT_RUN = "not run"
    """The later run was ended before it got there."""
    CHANGED = "changed"
    """Another verdict that is neither better nor worse, such as failed after leaked, or skipped."""


@dataclass(frozen=True, slots=True)
class Difference:
    """An item whose verdict differs; None is for a report that does not tell of it."""

    implementation: str
    item: str
    change: Change
    old: Verdict | None
    new: Verdict | None

    @property
    def is_bad(self) -> bool:
        """Whether it must not go unnoticed: a regression, something new that is red, or something that was not run."""
        return self.change in (Change.REGRESSED, Change.NOT_RUN) or (self.old is None and _is_red(self.new))


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs, item by item, and how many items are as they were."""

    differences: tuple[Difference, ...]
    same: int
    same_suite: bool

    def of(self, change: Change) -> tuple[Difference, ...]:
        """The differences of one kind."""
        return tuple(difference for difference in self.differences if difference.change is change)

    @property
    def is_bad(self) -> bool:
        """Whether one of the differences is."""
        return any(difference.is_bad for difference in self.differences)


class IncomparableError(Exception):
    """Two reports that have no implementation in common."""


def compare(old: Run, new: Run) -> Comparison:
    """What differs from the old run to the new one.

    Implementations are matched by name; where each run judged just one, these are compared whatever they are called.
    Raises IncomparableError if there is nothing to compare.
    """
    pairs = _pairs(old, new)
    differences: list[Difference] = []
    same = 0
    for one, other in pairs:
        before, after = _verdicts(old, one), _verdicts(new, other)
        left_out = {left.item for left in new.footer.not_run if left.implementation == other}
        for item in sorted(before.keys() | after.keys() | left_out):
            was, now = before.get(item), None if item in left_out else after.get(item)
            change = Change.NOT_RUN if item in left_out else _change(was, now)
            if change is None:
                same += 1
            else:
                differences.append(Difference(other, item, change, was, now))
    order = list(Change)
    differences.sort(key=lambda each: order.index(each.change))
    return Comparison(tuple(differences), same, same_suite=old.header.suite_hash == new.header.suite_hash)


def told(comparison: Comparison) -> Iterator[str]:
    """The comparison, for people: a line for each difference, and at the end how many there are of each kind."""
    for change in Change:
        for each in comparison.of(change):
            words = " -> ".join(str(verdict) for verdict in (each.old, each.new) if verdict is not None)
            yield f"{change:<11}  {each.implementation}:{each.item}{f'  {words}' if words else ''}"
    counts = [f"{len(comparison.of(change))} {change}" for change in Change if comparison.of(change)]
    suite = "" if comparison.same_suite else "; the suites differ"
    yield f"{', '.join([*counts, f'{comparison.same} as before'])}{suite}"


def _pairs(old: Run, new: Run) -> list[tuple[str, str]]:
    before, after = ([known.name for known in run.header.implementations] for run in (old, new))
    if len(before) == len(after) == 1:
        return [(before[0], after[0])]
    common = [(name, name) for name in after if name in before]
    if not common:
        raise IncomparableError(f"no implementation is in both: {', '.join(before)}; {', '.join(after)}")
    return common


def _verdicts(run: Run, implementation: str) -> dict[str, Verdict]:
    rounds: defaultdict[str, list[Result]] = defaultdict(list)
    for result in run.results:
        if result.outcome.implementation == implementation:
            rounds[result.outcome.item].append(result)
    found = {item: worst(results) for item, results in rounds.items()}
    return {item: verdict for item, verdict in found.items() if verdict is not None}


def _change(old: Verdict | None, new: Verdict | None) -> Change | None:
    if old == new:
        return None
    if old is None:
        return Change.APPEARED
    if new is None:
        return Change.DISAPPEARED
    if Verdict.SKIPPED in (old, new):
        return Change.REGRESSED if _is_red(new) else Change.CHANGED
    if _rank(old) == _rank(new):
        return Change.CHANGED
    return Change.REGRESSED if _rank(new) < _rank(old) else Change.PROGRESSED


def _rank(verdict: Verdict) -> int:
    """0 is red, 1 is not as it should be, 2 is as it should be."""
    return 0 if verdict.is_red else 2 if verdict is Verdict.PASSED else 1


def _is_red(verdict: Verdict | None) -> bool:
    return verdict is not None and verdict.is_red
