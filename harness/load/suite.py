"""A suite: scenario files below directories, and the clauses that they are about."""

from __future__ import annotations

import gc
import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.load.clauses import CLAUSES_FILE, load_clauses
from harness.load.codes import Code
from harness.load.defaults import DEFAULTS_FILE, load_defaults
from harness.load.macros import SUFFIX, load_macros
from harness.load.scenario import load_scenarios
from harness.model.source import InvalidInputError, Location, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.model.clauses import Clause, Clauses
    from harness.model.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Suite:
    """What was found: the items of all files that are right, and everything wrong with the others."""

    scenarios: tuple[Scenario, ...]
    problems: tuple[Problem, ...]
    clauses: Clauses


def load_suite(paths: Sequence[Path], *, root: Path | None = None) -> Suite:
    """Load scenario files, and all `*.yaml` below directories, hidden ones left out, in the order of their paths.

    The ids of the items begin below `root`: by default the nearest directory, upwards, that has a `clauses.yaml`; where
    there is none, the directory given, or the file's. Never raises for what a user wrote: `problems` has all of it.
    """
    loader = _Loader(root)
    with _no_garbage_collection():
        for path in paths:
            loader.load(path)
    # What is wrong with a file of macros is found by all who use it.
    return Suite(tuple(loader.scenarios), tuple(dict.fromkeys(loader.problems)), loader.clauses)


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Loading makes a hundred thousand objects and no cycle of them: a tenth of its time went into looking for some."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class _Loader:
    def __init__(self, root: Path | None) -> None:
        self._root = root
        self.scenarios: list[Scenario] = []
        self.problems: list[Problem] = []
        self.clauses: dict[str, Clause] = {}
        self._clauses_of: dict[Path, Clauses | None] = {}
        self._seen: set[str] = set()
        self._items: dict[str, str] = {}

    def load(self, path: Path) -> None:
        """Load one file, or everything below one directory."""
        if not path.is_dir():
            self._load_file(path, self._root or root_of(path.parent))
            return
        root = self._root or root_of(path)
        files = list(_files_below(path))
        if not files:
            self._problem(path, Code.NO_SCENARIOS, "there is no scenario in this directory: no file ends in .yaml")
        for file in files:
            if file.name.endswith(SUFFIX):
                self.problems.extend(load_macros(file)[1])
            elif file.name == DEFAULTS_FILE:
                self.problems.extend(load_defaults(file)[1])
            elif file.suffix == ".yml":
                self._problem(file, Code.NO_SCENARIOS, "a scenario file ends in .yaml; this one would never be run")
            else:
                self._load_file(file, root)

    def _load_file(self, path: Path, root: Path) -> None:
        real = os.path.realpath(path)
        if real in self._seen:
            return
        self._seen.add(real)
        clauses = self._load_clauses(root)
        if path.name == CLAUSES_FILE:
            return
        if path.name == DEFAULTS_FILE:
            self.problems.extend(load_defaults(path)[1])
            return
        try:
            scenarios = load_scenarios(path, root=root, clauses=clauses)
        except InvalidInputError as error:
            self.problems.extend(error.problems)
            return
        name = scenarios[0].path
        other = self._items.setdefault(name, str(path))
        if other == str(path):
            self.scenarios.extend(scenarios)
        else:
            self._problem(path, Code.DUPLICATE_ITEM, f"its id `{name}` is that of {other} too")

    def _load_clauses(self, root: Path) -> Clauses | None:
        if root not in self._clauses_of:
            self._clauses_of[root] = None
            path = root / CLAUSES_FILE
            if path.is_file():
                try:
                    self._clauses_of[root] = load_clauses(path)
                except InvalidInputError as error:
                    self.problems.extend(error.problems)
                self.clauses.update(self._clauses_of[root] or {})
        return self._clauses_of[root]

    def _problem(self, path: Path, code: Code, message: str) -> None:
        self.problems.append(Problem(Location(str(path), 1, 1), code, message))


def root_of(directory: Path) -> Path:
    """The nearest directory upwards with a list of clauses, as the user's own path leads to it; else this one."""
    candidate = directory
    for _ in directory.absolute().parts:
        if (candidate / CLAUSES_FILE).is_file():
            return candidate
        candidate = candidate.parent if candidate.name not in ("", "..") else candidate / ".."
    return directory


def scenario_files(paths: Sequence[Path]) -> Iterator[Path]:
    """The files that are meant by paths: those given, and those below directories, files of macros too, each once."""
    seen: set[str] = set()
    for path in paths:
        for file in _files_below(path) if path.is_dir() else [path]:
            if file.suffix != ".yml" and (real := os.path.realpath(file)) not in seen:
                seen.add(real)
                yield file


def _files_below(directory: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(directory):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(folder) / name
            if path.suffix in (".yaml", ".yml") and name != CLAUSES_FILE and not name.startswith("."):
                yield path
