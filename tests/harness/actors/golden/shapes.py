"""What a module beside a scenario imports from beside it."""

from __future__ import annotations


def square(side: int) -> int:
    """The area of a square."""
    return side * side
