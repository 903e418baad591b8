"""`harness format`: all files are laid out first, then those that differ are replaced, each in one stroke."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from harness.cli.suites import count, paths_or_default, refusal
from harness.cli.writing import replace_file
from harness.load.clauses import CLAUSES_FILE
from harness.load.files import read_text
from harness.load.format import formatted
from harness.load.suite import scenario_files
from harness.model.source import InvalidInputError, Problem

if TYPE_CHECKING:
    from pathlib import Path

    from harness.cli.arguments import Format


def format_files(command: Format) -> int:
    """Replace, or with `check` name, the files that are not in the style; 1 when `check` has found one."""
    files = [file for file in scenario_files(paths_or_default(command.paths)) if file.name != CLAUSES_FILE]
    changed: dict[Path, str] = {}
    problems: list[Problem] = []
    for file in files:
        text = read_text(file)
        if isinstance(text, Problem):
            problems.append(text)
            continue
        try:
            new = formatted(text, str(file))
        except InvalidInputError as error:
            problems += error.problems
            continue
        if new != text:
            changed[file] = new
    if problems:
        raise refusal(problems, nothing="nothing was changed")
    for file, new in changed.items():
        if not command.check:
            replace_file(file, new)
        sys.stdout.write(f"{'would change' if command.check else 'changed'}: {file}\n")
    sys.stdout.write(f"{count(len(files), 'file')}, {len(changed)} {'to change' if command.check else 'changed'}\n")
    return int(command.check and bool(changed))
