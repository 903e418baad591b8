"""Two things that one measurement tells: kept, so that two curves can tell them."""

import functools
import statistics
from collections.abc import Callable, Iterator
from typing import NamedTuple

Points = Iterator[tuple[float, float]]


class Cost(NamedTuple):
    """Two things that one measurement tells."""

    first: float
    second: float


def kept(measured: Callable[[int], Cost], looks: int = 1) -> Callable[[int], Cost]:
    """The same, measured once for each size: the median of a few looks, of each part by itself."""

    @functools.cache
    def median(size: int) -> Cost:
        return Cost(*map(statistics.median, zip(*(measured(size) for _ in range(looks)), strict=True)))

    return median


def first(measured: Callable[[int], Cost], sizes: tuple[int, ...]) -> Points:
    """The curve of the first."""
    return ((size, measured(size).first) for size in sizes)


def second(measured: Callable[[int], Cost], sizes: tuple[int, ...]) -> Points:
    """The curve of the second."""
    return ((size, measured(size).second) for size in sizes)
