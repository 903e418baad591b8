"""What one pytest process has one of: the suites that it has read, the implementations, the engine."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.engine.calibration import scale_of
from harness.engine.runner import Engine
from harness.engine.settings import Settings
from harness.implementations import VersionError, find, folders, version_of
from harness.judging import line_reader, outcome_without_running, result_of
from harness.load.manifest import load_manifest
from harness.load.suite import load_suite
from harness.plugin.options import implementations, time_scale
from harness.plugin.suites import CLAUSES
from harness.report.failure import failure_block, why
from harness.report.origin import harness_version, this_machine
from harness.report.paint import Role
from harness.report.run import Header, Implementation, StatedClause

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from harness.load.suite import Suite
    from harness.model.manifest import Manifest
    from harness.model.outcome import Outcome
    from harness.model.scenario import Scenario
    from harness.model.source import Problem


@dataclass(frozen=True)
class Judged:
    """An implementation under test; `argument` is what names it for `--implementation`, None for the default."""

    manifest: Manifest
    argument: str | None

    @cached_property
    def version(self) -> str:
        """Its version, which only a failure shows."""
        try:
            return version_of(self.manifest)
        except VersionError:
            return "of unknown version"


@dataclass(frozen=True, slots=True)
class Read:
    """A suite, and the lines of its files."""

    suite: Suite
    read_line: Callable[[str, int], str | None]


class Session:
    """One for each pytest process that collects a scenario. It is a plugin too, so that others pay for no hooks."""

    def __init__(self, config: pytest.Config, *, width: int) -> None:
        self._settings = Settings(time_scale=scale_of(time_scale(config)))
        self._arguments: Sequence[str | None] = implementations(config) or (None,)
        self._width = width
        self._suites: dict[Path, Read] = {}
        self._judged: dict[Path, tuple[Judged, ...]] = {}
        self._engine: Engine | None = None
        self._open = ExitStack()

    def problems(self, path: Path, suite: Path) -> tuple[Problem, ...]:
        """What is wrong with a file; with the list of clauses also what no other file that pytest collects can say."""
        return tuple(
            problem
            for problem in self._read(suite).suite.problems
            if _is_same(problem.location.file, path)
            or (path == suite / CLAUSES and not problem.location.file.endswith(".yaml"))
        )

    def scenarios(self, path: Path, suite: Path) -> tuple[Scenario, ...]:
        """The items of a file."""
        return tuple(each for each in self._read(suite).suite.scenarios if _is_same(each.location.file, path))

    def implementations(self, suite: Path) -> tuple[Judged, ...]:
        """The implementations to judge by a suite.

        Raises, the first time only so that it is said once, UnknownImplementationError and InvalidInputError; after
        that there are none.
        """
        if suite not in self._judged:
            self._judged[suite] = ()
            where = folders([suite])
            found = [find(argument, where) for argument in self._arguments]
            self._judged[suite] = tuple(Judged(load_manifest(each.path), each.argument) for each in found)
        return self._judged[suite]

    def outcome(self, scenario: Scenario, manifest: Manifest) -> Outcome:
        """Run an item, unless it is known beforehand that it cannot be run."""
        outcome = outcome_without_running(scenario, manifest)
        if outcome is not None:
            return outcome
        if self._engine is None:
            self._engine = self._open.enter_context(Engine(self._settings))
        return self._engine.run_one(scenario, manifest)

    def describe(self, outcome: Outcome, judged: Judged, suite: Path) -> str:
        """Why the outcome is red: `file:line:column: message`, and below that the rest of the failure block."""
        header = Header(
            harness=harness_version(),
            suite=str(suite),
            suite_hash="",
            implementations=(Implementation(judged.manifest.name, judged.version, judged.argument),),
            items=1,
            machine=this_machine(),
            time_scale=self._settings.time_scale,
            started="",
            clauses=_stated(self._read(suite).suite),
        )
        block = failure_block(result_of(outcome, self._read(suite).read_line), header, width=self._width)
        failure = why(outcome)
        first = f"{failure.location}: {failure.message.partition(chr(10))[0]}"
        return "\n".join([first, *(line.text for line in block if line.role is not Role.PLACE)])

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Let the item have the last word about its report."""
        from harness.plugin.collection import ScenarioItem

        report = yield
        if isinstance(item, ScenarioItem):
            item.complete(report)
        return report

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, nextitem: pytest.Item | None) -> Generator[None, None, None]:
        """Close the engine unless another scenario follows."""
        from harness.plugin.collection import ScenarioItem

        try:
            return (yield)
        finally:
            if not isinstance(nextitem, ScenarioItem):
                self._close()

    def pytest_unconfigure(self) -> None:
        """Close the engine, however the session ended."""
        self._close()

    def _close(self) -> None:
        self._engine = None
        self._open.close()

    def _read(self, root: Path) -> Read:
        if root not in self._suites:
            # Paths as the user would type them: they begin every message.
            suite = load_suite([Path(os.path.relpath(root))])
            self._suites[root] = Read(suite, line_reader(suite.scenarios))
        return self._suites[root]


_SESSION = pytest.StashKey[Session]()


def session_of(config: pytest.Config, *, width: int) -> Session:
    """The session of this process, made when it is first asked for."""
    if _SESSION not in config.stash:
        config.stash[_SESSION] = Session(config, width=width)
        config.pluginmanager.register(config.stash[_SESSION], "harness-session")
    return config.stash[_SESSION]


def _stated(suite: Suite) -> tuple[StatedClause, ...]:
    return tuple(StatedClause(clause.id, clause.topic, clause.level, clause.says) for clause in suite.clauses.values())


def _is_same(file: str, path: Path) -> bool:
    return os.path.realpath(file) == os.path.realpath(path)
