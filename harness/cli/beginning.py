"""`harness new`: a scenario to go on with. What it and `harness record` have in common is the head of a new file."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING

from harness.cli.refusal import RefusedError
from harness.cli.suites import count, found_or_refused, refusal
from harness.cli.writing import new_file
from harness.implementations import DEFAULT, folders
from harness.load.clauses import CLAUSES_FILE, load_clauses
from harness.load.defaults import DEFAULTS_FILE
from harness.load.macros import SUFFIX
from harness.load.manifest import load_manifest
from harness.load.suite import root_of
from harness.model.manifest import Profile
from harness.model.source import InvalidInputError
from harness.selection import hint

if TYPE_CHECKING:
    from pathlib import Path

    from harness.cli.arguments import New
    from harness.model.manifest import Manifest

_BODY = """\
actors:
  d: {daemon: probe}
  c: {client: d}
steps:
  - start: d
  - connect: c
  - talk: {to: c, send: echo one, expect: ok one}
"""


def begin(command: New) -> int:
    """Write the file, and say how it is run."""
    check_place(command.path)
    manifest_for(command)
    new_file(command.path, head(command, title="it answers what it is asked") + _BODY)
    sys.stdout.write(f"made: {command.path}\nto run it: {run_command(command)}\n")
    return 0


def check_place(path: Path) -> None:
    """Raises RefusedError where no scenario can be made: it would never be found, or something is there."""
    reason = _why_no_scenario(path.name)
    if reason is not None:
        raise RefusedError.of(f"{path} is no name for a scenario: {reason}")
    if os.path.lexists(path):
        raise RefusedError.of(f"{path} is there already, and is not touched")
    if not path.parent.is_dir():
        raise RefusedError.of(f"{path} cannot be written: there is no directory {path.parent}")


def _why_no_scenario(name: str) -> str | None:
    """What a file of that name is instead; None for one that `harness run` takes for a scenario."""
    if name == CLAUSES_FILE:
        return "it is the list of a suite's clauses"
    if name == DEFAULTS_FILE:
        return "it is what the scenarios of a folder have in common"
    if name.endswith(SUFFIX):
        return f"what ends in {SUFFIX} is a file of macros"
    if name.startswith("."):
        return "a hidden file is not found"
    return None if name.endswith(".yaml") else "that of a scenario ends in .yaml"


def manifest_for(command: New) -> Manifest:
    """The implementation that is named, which has to offer the core profile. Raises RefusedError."""
    try:
        manifest = load_manifest(found_or_refused(command.implementation, folders([command.path.parent])).path)
    except InvalidInputError as error:
        raise refusal(error.problems) from error
    if Profile.CORE not in manifest.profiles:
        raise RefusedError.of(f"{manifest.name} does not offer the core profile, so nothing can be asked of it")
    return manifest


def head(command: New, *, title: str) -> str:
    """The first lines of the file: what it shows, and which clauses it checks.

    Raises RefusedError for clauses that the suite has not, and when none is given that it needs.
    """
    lines = f"scenario: {title}\n"
    known = _clauses_at(command.path)
    for clause in command.clauses:
        if known is not None and clause not in known:
            raise RefusedError.of(f"there is no clause {clause!r} in this suite{hint(clause, known)}")
    if known is not None and not command.clauses:
        raise RefusedError.of(f"a scenario of this suite checks one of its {count(len(known), 'clause')}: --clause ID")
    return lines + (f"clauses: [{', '.join(command.clauses)}]\n" if command.clauses else "")


def _clauses_at(path: Path) -> list[str] | None:
    """The ids of the clauses of the suite that the file is in, None where no list of clauses is above it."""
    listed = root_of(path.parent) / CLAUSES_FILE
    if not listed.is_file():
        return None
    try:
        return list(load_clauses(listed))
    except InvalidInputError as error:
        raise refusal(error.problems) from error


def run_command(command: New) -> str:
    """The command that runs the new scenario."""
    words = ["harness", "run", str(command.path)]
    if command.implementation not in (None, DEFAULT):
        words += ["--implementation", str(command.implementation)]
    return shlex.join(words)
