"""Where reports and scenarios go: files that can be written, and the terminal as it is."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING

from harness.cli.refusal import RefusedError
from harness.report.console import Console
from harness.report.failure import WIDTH
from harness.report.github import GitHub
from harness.report.junit import junit
from harness.report.paint import Palette, wants_colour
from harness.report.run import AtTheEnd
from harness.report.survey import survey
from harness.report.tap import Tap

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import ExitStack

    from harness.cli.arguments import Files
    from harness.report.run import Report, Run


def opened(path: Path, *, mode: str = "w") -> IO[str]:
    """The file, open for writing, by default empty. Raises RefusedError where it cannot be written."""
    try:
        return path.open(mode, encoding="utf-8", newline="\n")
    except OSError as error:
        raise RefusedError.of(f"{path} cannot be written: {(error.strerror or str(error)).lower()}") from error


def refuse_twins(paths: Sequence[Path]) -> None:
    """Raises RefusedError where one file is named for two reports."""
    for path in paths:
        if paths.count(path) > 1:
            raise RefusedError.of(f"two reports cannot be written to one file, {path}")


def to_files(files: Files, stack: ExitStack) -> list[Report]:
    """The reports of one run that go to files; the stack closes them. Raises RefusedError."""
    reports: list[Report] = []
    if files.junit is not None:
        reports.append(AtTheEnd(stack.enter_context(opened(files.junit)), junit))
    if files.tap is not None:
        reports.append(Tap(stack.enter_context(opened(files.tap))))
    if files.markdown is not None:
        reports.append(AtTheEnd(stack.enter_context(opened(files.markdown)), _summary))
    if files.html is not None:
        reports.append(AtTheEnd(stack.enter_context(opened(files.html)), _page))
    return reports


def to_github(environment: Mapping[str, str], stack: ExitStack) -> list[Report]:
    """Annotations, and the summary of the build, to which every step appends."""
    reports: list[Report] = [GitHub(sys.stdout)]
    if summary := environment.get("GITHUB_STEP_SUMMARY"):
        reports.append(AtTheEnd(stack.enter_context(opened(Path(summary), mode="a")), _summary))
    return reports


def _summary(run: Run) -> str:
    from harness.report.markdown import markdown

    return markdown(survey([run]))


def _page(run: Run) -> str:
    from harness.report.html.page import page

    return page(survey([run]))


def console(stream: IO[str], *, live: bool) -> Console:
    """The console report; `live` asks for a status line, which only a terminal gets."""
    is_terminal = stream.isatty()
    width = shutil.get_terminal_size((WIDTH, 24)).columns if is_terminal else WIDTH
    can_erase = is_terminal and os.environ.get("TERM") != "dumb"
    return Console(stream, width=width, palette=Palette(wants_colour(stream, os.environ)), live=live and can_erase)
