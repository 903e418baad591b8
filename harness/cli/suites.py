"""What every command that reads scenarios begins with: the paths, the suite, the items that are meant."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.refusal import RefusedError
from harness.implementations import SHIPPED, Found, UnknownImplementationError, find
from harness.load.render import render_problems
from harness.load.suite import Suite, load_suite
from harness.report.origin import suite_hash
from harness.selection import Selection, SelectionError, hint, select

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.cli.arguments import Choice
    from harness.model.scenario import Scenario
    from harness.model.source import Problem

HERE = Path("scenarios")


@dataclass(frozen=True, slots=True)
class Chosen:
    """A suite without problems, where it was found, and the items of it that are meant."""

    paths: tuple[Path, ...]
    suite: Suite
    items: tuple[Scenario, ...]


def paths_or_default(paths: Sequence[Path]) -> tuple[Path, ...]:
    """The paths given, else the suite here, else the suite that comes with the harness."""
    if paths:
        return tuple(paths)
    for suite in (HERE, SHIPPED / "scenarios"):
        if suite.is_dir():
            return (suite,)
    raise RefusedError.of(f"no PATH is given, and there is no directory {HERE} here")


def choose(choice: Choice) -> Chosen:
    """Load the suite and select from it. Raises RefusedError with every problem, or with why nothing is selected."""
    paths = paths_or_default(choice.paths)
    suite = load_suite(paths)
    if suite.problems:
        raise refusal(suite.problems)
    try:
        items = select(suite.scenarios, Selection(choice.only, choice.tags, choice.clauses), suite.clauses)
    except SelectionError as error:
        raise RefusedError.of(error) from error
    return Chosen(paths, suite, items)


def hash_of(suite: Suite) -> str:
    """What stands for all files of a suite in its reports."""
    places = [*(scenario.location for scenario in suite.scenarios), *(each.location for each in suite.clauses.values())]
    return suite_hash(place.file for place in places)


def refusal(problems: Sequence[Problem], *, nothing: str = "nothing was started") -> RefusedError:
    """All problems with their lines, how many they are, and what was not done for them."""
    return RefusedError(f"{render_problems(problems)}\nharness: error: {counted(problems)}; {nothing}")


def found_or_refused(argument: str | None, where: Sequence[Path]) -> Found:
    """The manifest of the implementation that is named. Raises RefusedError, with those there are."""
    try:
        return find(argument, where)
    except UnknownImplementationError as error:
        raise RefusedError.of(f"{error}{hint(error.name, error.known)}") from error


def counted(problems: Sequence[Problem]) -> str:
    """`3 problems in 2 files`."""
    files = {problem.location.file for problem in problems}
    return f"{count(len(problems), 'problem')} in {count(len(files), 'file')}"


def count(number: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
