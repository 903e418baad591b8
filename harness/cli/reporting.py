"""`harness report`: runs that are over, told again."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.outputs import console, opened, refuse_twins, to_files
from harness.cli.refusal import RefusedError
from harness.cli.stored import stored
from harness.report.badge import badge
from harness.report.decode import DecodeError
from harness.report.github import GitHub
from harness.report.html.page import page
from harness.report.kills import Kills, read_kills
from harness.report.markdown import markdown
from harness.report.run import FLAKY, replay
from harness.report.survey import Survey, SurveyError, survey, tally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.cli.arguments import Report as Command
    from harness.report.run import Report, Run


_SERIOUS = (0, FLAKY, 1, 130)
"""Exit statuses, the most serious last."""


def report(command: Command) -> int:
    """Make the reports that are asked for; the exit status is that of the runs, the most serious."""
    files = command.files
    refuse_twins([*files.given, *command.reports])
    if len(command.reports) > 1 and (files.of_one_run.given or command.github or command.console):
        raise RefusedError.of("of several reports only Markdown, HTML and badges can be made")
    runs = [stored(path) for path in command.reports]
    surveyed = _survey(runs)
    kills = _kills(command, surveyed)
    with ExitStack() as stack:
        if files.markdown is not None:
            stack.enter_context(opened(files.markdown)).write(markdown(surveyed, kills))
        if files.html is not None:
            stack.enter_context(opened(files.html)).write(page(surveyed, kills))
        if command.badges is not None:
            _write_badges(command.badges, surveyed)
        _replay(command, runs, stack)
    return max(map(exit_status, runs), key=_SERIOUS.index)


def exit_status(run: Run) -> int:
    """As `harness run` had it."""
    if run.footer.interrupted:
        return 130
    return tally(run.results).status


def _replay(command: Command, runs: Sequence[Run], stack: ExitStack) -> None:
    """The reports that are made of one run, as it would have made them."""
    reports: list[Report] = to_files(command.files.of_one_run, stack)
    if command.github:
        reports.append(GitHub(sys.stdout))
    if command.console:
        reports.append(console(sys.stdout, live=False))
    if reports:
        replay(runs[0], reports)


def _survey(runs: Sequence[Run]) -> Survey:
    try:
        return survey(runs)
    except SurveyError as error:
        raise RefusedError.of(error) from error


def _kills(command: Command, surveyed: Survey) -> Kills | None:
    if command.kills is None:
        return None
    if command.files.markdown is None and command.files.html is None:
        raise RefusedError.of("--kills is shown by --markdown and --html, and neither is given")
    try:
        kills = read_kills(command.kills)
    except DecodeError as error:
        raise RefusedError.of(error) from error
    except OSError as error:
        raise RefusedError.of(f"{command.kills}: {(error.strerror or str(error)).lower()}") from error
    if kills.suite_hash != surveyed.suite_hash:
        raise RefusedError.of(f"{command.kills} is of another suite than the reports: run `harness mutants` again")
    return kills


def _write_badges(folder: Path, surveyed: Survey) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise RefusedError.of(f"{folder} cannot be made: {(error.strerror or str(error)).lower()}") from error
    for subject in surveyed.subjects:
        if subject.name != Path(subject.name).name:
            raise RefusedError.of(f"{subject.name!r} is no name for a file")
        with opened(folder / f"{subject.name}.svg") as stream:
            stream.write(badge(subject))
