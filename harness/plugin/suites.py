"""Which directories are suites."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

CLAUSES = "clauses.yaml"
FOLDER = "scenarios"


def suite_of(path: Path, config: pytest.Config) -> Path | None:
    """The suite that the path is in, or is; None if it is in none."""
    places = (path, *path.parents)
    declared: list[Path] = config.getini("harness_suites")
    if declared:
        return next((place for place in places if place in declared), None)
    return next((place for place in places if place.name == FOLDER and (place / CLAUSES).is_file()), None)


def any_suite(config: pytest.Config) -> bool:
    """Whether the paths that pytest was given lead into a suite, or may lead to one below them."""
    return any(suite_of(place, config) is not None for place in _places(config))


def _places(config: pytest.Config) -> Iterator[Path]:
    declared: list[Path] = config.getini("harness_suites")
    for argument in config.args:
        path = Path(argument.partition("::")[0]).absolute()
        yield path
        yield path / FOLDER
        yield from (suite for suite in declared if suite.is_relative_to(path))
