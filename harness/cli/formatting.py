"""`harness format`: all files are laid out first, then those that differ are replaced, each in one stroke."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.refusal import RefusedError
from harness.cli.suites import count, paths_or_default, refusal
from harness.load.files import read_text
from harness.load.format import formatted
from harness.load.suite import CLAUSES_FILE, scenario_files
from harness.model.source import InvalidInputError, Problem

if TYPE_CHECKING:
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
            _replace(file, new)
        sys.stdout.write(f"{'would change' if command.check else 'changed'}: {file}\n")
    sys.stdout.write(f"{count(len(files), 'file')}, {len(changed)} {'to change' if command.check else 'changed'}\n")
    return int(command.check and bool(changed))


def _replace(file: Path, text: str) -> None:
    """A reader finds the old text or the new one, whatever happens meanwhile; a link goes on leading to the file."""
    real = Path(os.path.realpath(file))
    aside: str | None = None
    try:
        descriptor, aside = tempfile.mkstemp(prefix=f".{real.name}.", dir=real.parent)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as stream:
            os.fchmod(descriptor, real.stat().st_mode & 0o7777)
            stream.write(text)
            stream.flush()
            os.fsync(descriptor)
        Path(aside).replace(real)
    except OSError as error:
        if aside is not None:
            Path(aside).unlink(missing_ok=True)
        raise RefusedError.of(f"{file} cannot be written: {(error.strerror or str(error)).lower()}") from error
