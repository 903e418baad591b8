"""How a scenario ended: one closed list of verdicts that every report format proves the same way."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from harness.model.source import Location
from harness.model.timeline import Moment


class Verdict(StrEnum):
    """What is said of one scenario, one matrix cell, one implementation."""

    PASSED = "passed"
    FAILED = "failed"
    """The implementation did not do what the scenario expects."""
    XFAILED = "xfailed"
    """Failed as the manifest's known failure says."""
    XPASSED = "xpassed"
    """Passed, or failed otherwise, though the manifest says that it fails in a certain way: red."""
    LEAKED = "leaked"
    """All expectations held, but a process or a socket file was left behind."""
    ERRORED = "errored"
    """The adapter or the harness broke; nothing is said about the implementation."""
    FLAKY = "flaky"
    """Was red, and was not when it was tried again: nobody can rely on it."""
    UNSUPPORTED = "unsupported"
    """The manifest leaves the profile out, or the testee exited 127."""
    SKIPPED = "skipped"
    """This machine lacks something."""

    @property
    def is_red(self) -> bool:
        """Whether a run with this verdict must not be called a success."""
        return self in (Verdict.FAILED, Verdict.XPASSED, Verdict.LEAKED, Verdict.ERRORED)

    @property
    def wants_attention(self) -> bool:
        """Whether every report shows at length what happened: it is red, or may be the next time."""
        return self.is_red or self is Verdict.FLAKY


BY_LUCK = "it passed this time, by luck: "
"""How the reason of a known failure begins that happens sometimes, and did not."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a scenario is not passed.

    `message` is the one sentence behind the caret: what happened, and what was expected; `moment` is the index in the
    timeline that shows it best, if one does; `since` names the mark that times are counted from.
    """

    location: Location
    message: str
    moment: int | None = None
    since: str | None = None
    frames: tuple[Location, ...] = ()
    """Where the macro is used that `location` is in, and where the macro that uses it, from the inside out."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one item, with its evidence.

    `reason` explains unsupported, skipped, xfailed and flaky; `seconds` is wall time from first to last step;
    `timeline` is everything that all actors did, in order, on one clock.
    """

    item: str
    title: str
    clauses: tuple[str, ...]
    implementation: str
    verdict: Verdict
    location: Location
    seconds: float = 0.0
    failure: Failure | None = None
    reason: str | None = None
    timeline: tuple[Moment, ...] = ()
    marks: tuple[tuple[str, float], ...] = ()
    """Name and time, in seconds since the scenario began, of every step that was given a name with `as`."""
    workspace: str | None = None
    """The directory, where it was kept."""
    needs: tuple[str, ...] = ()
    """The profiles that the item needs, in alphabetical order."""
