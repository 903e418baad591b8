"""Runs built by hand, and golden files: every text that a user reads stands in `golden/` as it should read.

`HARNESS_GOLDEN=write pytest tests/harness` writes the golden files anew; the difference is then for a person to judge.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.model.outcome import Failure, Outcome, Verdict
from harness.model.source import Location
from harness.model.timeline import Moment, What
from harness.report.run import Footer, Header, Implementation, Machine, NotRun, Result, Run, StatedClause

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Asserts that a text is what the golden file of that name holds."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("HARNESS_GOLDEN") == "write":
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")

    return compare


HEADER = Header(
    harness="0.1.0",
    suite="scenarios",
    suite_hash="sha256:3f0c",
    implementations=(Implementation("riser", "0.1.0", language="python", profiles=("core", "daemon")),),
    items=10,
    machine=Machine("3.11.9", "Linux 6.1.0", 2),
    time_scale=1.0,
    started="2026-03-01T12:00:00+00:00",
    clauses=(
        StatedClause("address.tcp.text", "address", "must"),
        StatedClause("restart.graceful", "restart", "must"),
        StatedClause("restart.lossless", "restart", "must", "a restart loses no client: not one is refused or cut off"),
        StatedClause("restart.coalesce", "restart", "should"),
        StatedClause("stop.graceful", "stop", "must"),
        StatedClause("stop.idle", "stop", "should"),
        StatedClause("tls.handshake", "tls", "may"),
    ),
)

LOSSLESS = Outcome(
    item="restart/lossless[tcp,2]",
    title="a graceful restart never drops a client",
    clauses=("restart.lossless",),
    implementation="riser",
    verdict=Verdict.FAILED,
    location=Location("scenarios/restart/lossless.yaml", 1, 1),
    seconds=1.204,
    failure=Failure(
        Location("scenarios/restart/lossless.yaml", 36, 5),
        "1 of 412 operations failed: load#3 operation 201, connection refused, 38 ms after hup (line 25)",
        moment=5,
        since="hup",
    ),
    timeline=(
        Moment(0.102, "d", What.LOG, "open server socket 127.0.0.1:40127", 4711),
        Moment(0.310, "old", What.SENT, "echo one"),
        Moment(0.311, "old", What.RECEIVED, "ok one"),
        Moment(0.500, "harness", What.SIGNAL, "HUP to d 4711"),
        Moment(0.521, "d", What.LOG, "close server socket 127.0.0.1:40127", 4711),
        Moment(0.538, "load#3", What.OPERATION, "connect: ECONNREFUSED"),
        Moment(0.544, "d", What.LOG, "open server socket 127.0.0.1:40127", 4711),
    ),
    marks=(("before", 0.2), ("hup", 0.5)),
)


def plain(item: str, verdict: Verdict, **rest: object) -> Outcome:
    """An outcome with little to say."""
    topic = item.partition("/")[0]
    clause = item.partition("[")[0].replace("/", ".")
    place = Location(f"scenarios/{item.partition('[')[0]}.yaml", 1, 1)
    return Outcome(item, f"what {topic} is about", (clause,), "riser", verdict, place, **rest)  # type: ignore[arg-type]  # a test's shorthand


@pytest.fixture
def header() -> Header:
    """The header of a run of 10 items."""
    return HEADER


@pytest.fixture
def lossless() -> Result:
    """The failure that the language's description shows."""
    return Result(LOSSLESS, "    failed: 0")


@pytest.fixture
def outcome_of() -> Callable[..., Outcome]:
    """Makes an outcome from an item, a verdict, and what else there is to say."""
    return plain


@pytest.fixture
def whole_run(lossless: Result) -> Run:
    """A run with every verdict."""
    leak = Failure(
        Location("scenarios/stop/graceful.yaml", 9, 5), "left behind: process 4720 (sleep 60), socket /tmp/h/d.sock"
    )
    broken = Failure(
        Location("scenarios/stop/early.yaml", 7, 5),
        "the harness could not start d: [Errno 13] Permission denied: 'riser'",
    )
    tried = "failed first, and passed in try 2"
    calm = (*LOSSLESS.timeline[:4], LOSSLESS.timeline[6], LOSSLESS.timeline[4])
    surprise = "passed, though implementations/riser.yaml:21:5 says that it fails with 'two reports'"
    return Run(
        HEADER,
        (
            Result(plain("address/tcp[tcp]", Verdict.PASSED, seconds=0.1234)),
            lossless,
            Result(plain("restart/graceful", Verdict.PASSED, seconds=0.5)),
            Result(
                plain("restart/coalesce", Verdict.XPASSED, seconds=0.3, reason=surprise), "scenario: restarts coalesce"
            ),
            Result(plain("stop/graceful", Verdict.LEAKED, seconds=0.2, failure=leak), "  - stop: d"),
            Result(plain("stop/early", Verdict.ERRORED, failure=broken, workspace="/tmp/h-5gq"), "  - start: d"),
            Result(plain("stop/idle", Verdict.XFAILED, seconds=0.1, reason="wakes up ten times a second")),
            Result(plain("tls/handshake", Verdict.UNSUPPORTED, reason="riser does not offer tls")),
            Result(plain("address/tcp6", Verdict.SKIPPED, reason="this machine has no IPv6")),
            Result(
                replace(LOSSLESS, item="restart/lossless[unix,2]", verdict=Verdict.FLAKY, reason=tried),
                "    failed: 0",
                passed=replace(LOSSLESS, verdict=Verdict.PASSED, failure=None, timeline=calm),
            ),
        ),
        Footer(2.51),
    )


@pytest.fixture
def interrupted_run(whole_run: Run) -> Run:
    """The same, ended by Ctrl-C after three items."""
    left_out = tuple(NotRun("riser", result.outcome.item) for result in whole_run.results[3:])
    return Run(HEADER, whole_run.results[:3], Footer(1.9, interrupted=True, not_run=left_out))
