"""`harness check`: everything that is wrong, at once, and nothing started."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from harness.cli.suites import count, counted, paths_or_default
from harness.implementations import SHIPPED, available, folders
from harness.load.manifest import load_manifest
from harness.load.render import render_problems
from harness.load.suite import load_suite
from harness.model.source import InvalidInputError, Problem
from harness.model.steps import Pause, Python

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from harness.cli.arguments import Check
    from harness.model.scenario import Scenario
    from harness.model.steps import Step


def check(command: Check) -> int:
    """Print every problem, and what was looked at."""
    paths = paths_or_default(command.paths)
    suite = load_suite(paths)
    manifests = () if command.paths else tuple(available(_own_folders(paths)).values())
    problems = [*suite.problems, *_problems_of(manifests)]
    if problems:
        codes = list(dict.fromkeys(problem.code for problem in problems))
        more = f"harness explain {codes[0]}" + (f" (or {', '.join(codes[1:])})" if codes[1:] else "")
        sys.stdout.write(f"{render_problems(problems)}\n{counted(problems)}; more: {more}\n")
        return 2
    files = {scenario.location.file for scenario in suite.scenarios}
    looked_at = [count(len(files), "scenario"), count(len(suite.scenarios), "item")]
    looked_at += [count(len(manifests), "implementation")] if manifests else []
    # What cannot be waited for, or said, is no mistake, and not to become a habit.
    for kind, noun in ((Pause, "pause"), (Python, "python step")):
        looked_at += [count(number, noun)] if (number := _number_of(kind, suite.scenarios)) else []
    sys.stdout.write(f"{', '.join(looked_at)}: no problem\n")
    return 0


def _number_of(kind: type[Step], scenarios: Sequence[Scenario]) -> int:
    """How many steps of that kind stand in the files, whatever the number of cells."""
    steps = (step for scenario in scenarios for step in scenario.every_step)
    return len({step.location for step in steps if isinstance(step, kind)})


def _own_folders(paths: Sequence[Path]) -> tuple[Path, ...]:
    return tuple(folder for folder in folders(paths) if not folder.is_relative_to(SHIPPED))


def _problems_of(manifests: Sequence[Path]) -> Iterator[Problem]:
    for path in manifests:
        try:
            load_manifest(path)
        except InvalidInputError as error:
            yield from error.problems
