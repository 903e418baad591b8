"""What the scenarios beside it cannot say in their own language."""

from __future__ import annotations

import itertools
import os
import sys
import time
from pathlib import Path

from shapes import square  # type: ignore[import-not-found] # beside it, and not in any package


def rising(path: str, *, least: int = 0) -> dict[str, int]:
    """Look whether the numbers in the lines of a file rise, and sum them up."""
    numbers = [int(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
    for before, number in itertools.pairwise(numbers):
        assert before < number, f"{number} comes after {before}"
    assert numbers[0] >= least
    return {"total": sum(numbers), "square": square(numbers[0])}


def names(values: list[str | int]) -> str:
    """Sort some words."""
    return " ".join(sorted(map(str, values)))


def fail() -> None:
    """Fail in what it calls."""
    os.stat("/nowhere")  # noqa: PTH116 - an error with a number and a path


def leave() -> None:
    """End the process."""
    os.write(1, b"had enough\n")
    os._exit(3)


def stay() -> None:
    """Never end."""
    time.sleep(1000)


def odd() -> object:
    """Give what JSON does not have."""
    return sys
