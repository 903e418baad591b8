"""Scenario files and their items, as pytest collects, runs and reports them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_never

import pytest

from harness.implementations import UnknownImplementationError
from harness.load.render import render_problems
from harness.model.outcome import Outcome, Verdict
from harness.model.source import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.model.scenario import Scenario
    from harness.plugin.session import Judged, Session


class RedError(Exception):
    """Ends an item's run with an outcome that is red."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)
        self.outcome = outcome


class ScenarioFile(pytest.File):
    """A scenario file, or the list of clauses, which has no items but may be wrong."""

    def __init__(self, *, suite: Path, scenarios: Session, **rest: Any) -> None:  # Any: pytest's own arguments
        super().__init__(**rest)
        self._suite = suite
        self._session = scenarios

    def collect(self) -> Iterator[pytest.Item]:
        """One item for each implementation and cell. Raises InvalidInputError with all that is wrong with the file."""
        if problems := self._session.problems(self.path, self._suite):
            raise InvalidInputError(problems)
        scenarios = self._session.scenarios(self.path, self._suite)
        if not scenarios:
            return
        for judged in self._session.implementations(self._suite):
            for scenario in scenarios:
                yield ScenarioItem.from_parent(
                    self,
                    name=f"{judged.manifest.name}:{scenario.item}",
                    scenario=scenario,
                    judged=judged,
                    suite=self._suite,
                    scenarios=self._session,
                )

    def repr_failure(  # type: ignore[override]  # pytest's Collector has it so, against its own Node
        self, excinfo: pytest.ExceptionInfo[BaseException]
    ) -> Any:  # Any: what pytest makes of it
        """What is wrong, with its place first."""
        match excinfo.value:
            case InvalidInputError(problems=problems):
                return render_problems(problems)
            case UnknownImplementationError() as error:
                return f"{self.path}: {error}"
            case _:
                return super().repr_failure(excinfo)


class ScenarioItem(pytest.Item):
    """One cell of a scenario, judged on one implementation."""

    def __init__(  # pytest passes everything by name
        self, *, scenario: Scenario, judged: Judged, suite: Path, scenarios: Session, **rest: Any
    ) -> None:
        super().__init__(**rest)
        self._scenario = scenario
        self._judged = judged
        self._suite = suite
        self._session = scenarios
        for tag in scenario.tags:
            self.config.addinivalue_line("markers", f"{tag}: a tag of scenarios")
            self.add_marker(tag)
        self.extra_keyword_matches.update(scenario.clauses)
        self.user_properties += [
            ("implementation", judged.manifest.name),
            ("clauses", " ".join(scenario.clauses)),
        ]

    def runtest(self) -> None:
        """Run it. Raises RedError, or what pytest takes for a skip or an expected failure."""
        outcome = self._session.outcome(self._scenario, self._judged.manifest)
        self.user_properties.append(("verdict", outcome.verdict.value))
        match outcome.verdict:
            case Verdict.PASSED | Verdict.FLAKY:  # which nothing is that is tried once
                pass
            case Verdict.FAILED | Verdict.XPASSED | Verdict.LEAKED | Verdict.ERRORED:
                raise RedError(outcome)
            case Verdict.XFAILED:
                pytest.xfail(outcome.reason or "a known failure")
            case Verdict.UNSUPPORTED | Verdict.SKIPPED:
                pytest.skip(f"{outcome.verdict}: {outcome.reason}")
            case _:
                assert_never(outcome.verdict)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:  # Any: pytest's own
        """The failure block; a traceback only for a fault of the harness."""
        if isinstance(excinfo.value, RedError):
            return self._session.describe(excinfo.value.outcome, self._judged, self._suite)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the scenario begins; pytest counts lines from 0."""
        return self.path, self._scenario.location.line - 1, self.name

    def complete(self, report: pytest.TestReport) -> None:
        """Let a skip point at the scenario, and not at the line of this plugin that raised it."""
        if report.skipped and isinstance(report.longrepr, tuple):
            reason = report.longrepr[2]
            report.longrepr = (str(self.path), self._scenario.location.line, reason.removeprefix("Skipped: "))
