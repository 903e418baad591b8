"""Which moments of a timeline explain a failure: a few, of all actors, nearest before it.

A timeline may hold thousands of moments, most of them alike (a load's requests, the events that they cause). Chosen
are, in this order, until there is no more room:

1. the decisive moment, and the one that times are counted from;
2. the last lines that each process wrote before the failure: a traceback, a complaint;
3. a few moments after it, which show what came of it;
4. what came nearest before it, at most `ALIKE` of those that differ only in numbers.

What is left out between two chosen moments is said, as a `Gap` or as a number of moments like one that is shown.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from harness.model.timeline import Moment, What

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

ALIKE = 2
AFTERWARDS = 3
LAST_WORDS = 3
LOOK_BACK = 5000
"""How far back moments are looked at, so that a failure in a very long timeline costs no time."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A moment that is shown; `alike` more before it differ only in numbers and are not."""

    index: int
    moment: Moment
    alike: int = 0


@dataclass(frozen=True, slots=True)
class Gap:
    """So many moments are left out here."""

    moments: int


Row: TypeAlias = Shown | Gap


def excerpt(moments: Sequence[Moment], *, decisive: int, anchor: int | None, rows: int) -> tuple[Row, ...]:
    """At most `rows` rows, in the order of time. `decisive` and `anchor` are indices; both are always shown."""
    if not moments or rows < 1:
        return ()
    wishes = list(dict.fromkeys(_wishes(moments, decisive=decisive, anchor=anchor)))
    for wanted in range(min(rows, len(wishes)), 0, -1):
        chosen = sorted(wishes[:wanted])
        shown = tuple(_with_gaps(moments, chosen))
        if len(shown) <= rows:
            return shown
    return ()


def _wishes(moments: Sequence[Moment], *, decisive: int, anchor: int | None) -> Iterator[int]:
    """Indices, what explains most first; some more than once."""
    yield decisive
    if anchor is not None:
        yield anchor
    start = max(0, decisive - LOOK_BACK)
    before = range(decisive - 1, start - 1, -1)
    yield from _last_words(moments, before)
    yield from range(decisive + 1, min(decisive + 1 + AFTERWARDS, len(moments)))
    alike: Counter[tuple[str, What, str]] = Counter()
    for index in before:
        kind = kind_of(moments[index])
        alike[kind] += 1
        if alike[kind] <= ALIKE:
            yield index


def _last_words(moments: Sequence[Moment], before: Iterable[int]) -> Iterator[int]:
    found = 0
    for index in before:
        if moments[index].what is What.LOG:
            yield index
            found += 1
            if found == LAST_WORDS:
                return


def _with_gaps(moments: Sequence[Moment], chosen: Sequence[int]) -> Iterator[Row]:
    previous: int | None = None
    for index in chosen:
        left_out = range(index if previous is None else previous + 1, index)
        kind = kind_of(moments[index])
        alike = sum(kind_of(moments[other]) == kind for other in left_out)
        if len(left_out) > alike:
            yield Gap(len(left_out) - alike)
        yield Shown(index, moments[index], alike)
        previous = index


def kind_of(moment: Moment) -> tuple[str, What, str]:
    """The same for moments that differ only in numbers, such as a load's clients and operations."""
    return re.sub(r"\d+", "#", moment.actor), moment.what, re.sub(r"\d+", "#", moment.text)
