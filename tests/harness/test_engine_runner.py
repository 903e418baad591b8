"""The engine of a process: many items at once, `finally`, known failures, interruption; and nothing survives it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness.engine.observe import children_of, set_subreaper
from harness.engine.runner import Engine, be_silent_of_interrupts, run_many
from harness.engine.settings import Settings
from harness.model.manifest import KnownFailure
from harness.model.outcome import Outcome, Verdict
from harness.model.source import Location
from harness.model.timeline import What

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.model.manifest import Manifest
    from harness.model.scenario import Scenario
    from tests.harness.conftest import Run

PASSING = """
    actors:
      p: {process: [sh, -c, "echo up; exec sleep 1000"], ready: {log: up}}
    steps:
      - start: p
    """
FAILING = """
    actors:
      p: {process: [sh, -c, "exit 3"]}
    steps:
      - launch: p
      - exit: p
    """
ENDLESS = """
    within: 1h
    actors:
      p: {process: [sh, -c, "setsid sleep 1000 & echo up; exec sleep 1000"], ready: {log: up}}
    steps:
      - start: p
      - write: "${workspace}/../running"
        content: now
      - exit: p
    """


def test_many_items_run_at_the_same_time_and_each_has_its_own_outcome(
    root: Path, read: Callable[[str], Scenario], small: Manifest
) -> None:
    outcomes: list[Outcome] = []
    items = [(read(PASSING if number % 2 else FAILING), small) for number in range(10)]
    with Engine(Settings(root=root)) as engine:
        asyncio.run(run_many(items, engine, jobs=5, on_end=outcomes.extend))
    assert sorted(outcome.verdict for outcome in outcomes) == [Verdict.FAILED] * 5 + [Verdict.PASSED] * 5
    assert list(root.iterdir()) == []


def test_items_at_once_are_told_apart_by_what_they_leave(
    root: Path, read: Callable[[str], Scenario], small: Manifest
) -> None:
    others = children_of(os.getpid())  # orphans that earlier tests of this process have left to it
    leaking = read("""
        actors:
          p: {process: [sh, -c, "env -i sh -c 'setsid sleep 777 &'; echo up"], ready: {log: up}}
        steps:
          - start: p
          - exit: p
        """)
    outcomes: list[Outcome] = []
    items = [(leaking, small), *((read(PASSING), small) for _ in range(4)), (leaking, small)]
    with Engine(Settings(root=root)) as engine:
        asyncio.run(run_many(items, engine, jobs=6, on_end=outcomes.extend))
        verdicts = {outcome.verdict for outcome in outcomes}
    # Hidden from all that tells items apart, it may be nobody's; then it ends with the engine.
    assert verdicts <= {Verdict.PASSED, Verdict.LEAKED}
    assert children_of(os.getpid()) == others


def test_finally_runs_after_a_failure_and_its_own_failure_is_noted(run: Run) -> None:
    outcome = run("""
        actors:
          p: {process: [sh, -c, "exit 3"]}
        steps:
          - launch: p
          - exit: p
        finally:
          - log: p
            line: never
          - write: "${workspace}/../flag"
            content: was here
        """)
    assert outcome.failure is not None
    assert outcome.failure.message == "p ended with status 3, expected status 0"
    notes = [moment.text for moment in outcome.timeline if moment.what is What.NOTE]
    assert notes == ["also failed: test.yaml:9:5: no line of p as expected ('never'); p wrote nothing"]
    assert [moment.text for moment in outcome.timeline if moment.what is What.STEP][-1].startswith("write ")


def test_a_failure_in_finally_fails_an_item_that_had_passed(run: Run) -> None:
    outcome = run(PASSING + "finally:\n      - log: p\n        line: never\n")
    assert outcome.verdict is Verdict.FAILED


@pytest.mark.parametrize(
    ("text", "message", "verdict", "says"),
    [
        (FAILING, "ended with status 3", Verdict.XFAILED, None),
        (FAILING, "ended with status 4", Verdict.XPASSED, "but failed otherwise: p ended with status 3"),
        (PASSING, "ended with status 3", Verdict.XPASSED, "but passed"),
    ],
)
@pytest.mark.parametrize("target", ["test", "te*", "test.engine"])
def test_a_known_failure_must_fail_as_it_says(
    run: Run, text: str, message: str, verdict: Verdict, says: str | None, target: str
) -> None:
    known = KnownFailure(target, message, "it is so", Location("small.yaml", 3, 5))
    outcome = run(text, known=(known,))
    assert outcome.verdict is verdict
    if says is None:
        assert outcome.reason == "it is so"
    else:
        assert outcome.failure is not None
        assert says in outcome.failure.message


def test_a_known_failure_of_another_scenario_says_nothing(run: Run) -> None:
    known = KnownFailure("tes", "ended with status 3", "it is so", Location("small.yaml", 3, 5))
    assert run(FAILING, known=(known,)).verdict is Verdict.FAILED


def test_a_known_race_is_known_whether_it_fails_or_passes_but_must_not_fail_otherwise(run: Run) -> None:
    race = KnownFailure("test", "ended with status 3", "luck", Location("small.yaml", 3, 5), sometimes=True)
    assert run(FAILING, known=(race,)).reason == "luck"
    passed = run(PASSING, known=(race,))
    assert passed.verdict is Verdict.XFAILED
    assert passed.reason == "it passed this time, by luck: luck"
    assert run(FAILING, known=(replace(race, message="status 4"),)).verdict is Verdict.XPASSED


def test_where_several_failures_are_known_it_must_fail_as_one_of_them_says(run: Run) -> None:
    one = KnownFailure("test", "ended with status 4", "one", Location("small.yaml", 3, 5))
    other = replace(one, message="ended with status 3", reason="other")
    assert run(FAILING, known=(one, other)).reason == "other"
    neither = run(FAILING, known=(one, replace(one, message="ended with status 5")))
    assert neither.failure is not None
    assert "fail with 'ended with status 4' or 'ended with status 5', but" in neither.failure.message


def test_a_fault_of_the_harness_is_an_error_with_the_steps_place(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise KeyError("oops")

    monkeypatch.setattr("harness.engine.verbs.processes.start", broken)
    outcome = run(PASSING)
    assert outcome.verdict is Verdict.ERRORED
    assert outcome.failure is not None
    assert outcome.failure.message.startswith("a fault of the harness itself: KeyError: 'oops' (test_engine_runner.py:")
    assert outcome.failure.location.line == 6


def test_a_cancelled_run_leaves_nothing(root: Path, read: Callable[[str], Scenario], small: Manifest) -> None:
    others = children_of(os.getpid())  # orphans that earlier tests of this process have left to it

    async def interrupted(engine: Engine) -> None:
        task = asyncio.create_task(run_many([(read(ENDLESS), small)] * 3, engine, jobs=2, on_end=outcomes.extend))
        while not (root / "running").exists():
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    outcomes: list[Outcome] = []
    with Engine(Settings(root=root)) as engine:
        asyncio.run(interrupted(engine))
        assert children_of(os.getpid()) == others
    assert outcomes == []
    (root / "running").unlink()
    assert list(root.iterdir()) == []


MAIN = """
import signal
import sys
from dataclasses import replace
from pathlib import Path
from harness.engine.runner import Engine
from harness.engine.settings import Settings
from harness.load.scenario import read_scenarios
from harness.model.manifest import Manifest, Profile

# What a shell starts in the background inherits an ignored INT.
signal.signal(signal.SIGINT, signal.default_int_handler)
root, text = Path(sys.argv[1]), sys.argv[2]
manifest = Manifest("none", "none", "1", "", ("false",), frozenset(Profile), "/")
(scenario,) = read_scenarios(text, "test.yaml", name="test")
with Engine(Settings(root=root)) as engine:
    engine.run_one(scenario, manifest)
"""


@pytest.mark.parametrize("times", [1, 2])
def test_an_interrupted_process_leaves_nothing(root: Path, times: int) -> None:
    others = children_of(os.getpid())  # orphans that earlier tests of this process have left to it
    text = "scenario: a test\nclauses: [test.engine]\n" + "\n".join(line[4:] for line in ENDLESS.splitlines())
    before = set_subreaper(on=True)
    command = [sys.executable, "-c", MAIN, str(root), text]
    with subprocess.Popen(command, stderr=subprocess.PIPE, process_group=0) as harness:
        try:
            while not (root / "running").exists():
                assert harness.poll() is None, harness.communicate()
                time.sleep(0.01)
            for _ in range(times):
                harness.send_signal(signal.SIGINT)
            _, errors = harness.communicate(timeout=120)
            assert b"KeyboardInterrupt" in errors
            # Had anything survived, it would be ours now.
            assert children_of(os.getpid()) == others
        finally:
            harness.kill()
            set_subreaper(on=before)


def test_there_is_one_engine_in_a_process(root: Path) -> None:
    with Engine(Settings(root=root)), pytest.raises(RuntimeError, match="already"), Engine(Settings(root=root)):
        pass


def test_an_engine_runs_in_the_main_thread_only() -> None:
    complaints: list[str] = []

    def enter() -> None:
        try:
            with Engine():
                pass
        except RuntimeError as error:
            complaints.append(str(error))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert complaints == ["the engine must run in the main thread"]


def test_children_of_others_in_the_process_are_let_alone(run: Run) -> None:
    stranger = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    ended = subprocess.Popen(["false"], start_new_session=True)
    try:
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
        assert run(PASSING).verdict is Verdict.PASSED
        assert (stranger.poll(), ended.wait()) == (None, 1)
    finally:
        stranger.kill()
        stranger.wait()


def test_a_time_scale_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        Settings(time_scale=0)


def test_a_task_that_an_interrupt_has_ended_is_not_told_of_and_any_other_is(caplog: pytest.LogCaptureFixture) -> None:
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        be_silent_of_interrupts(loop)
        loop.call_exception_handler({"message": "lost", "exception": KeyboardInterrupt()})
        assert not caplog.records
        loop.call_exception_handler({"message": "lost", "exception": ValueError("told")})
    assert ["told" in record.getMessage() or "lost" in record.getMessage() for record in caplog.records] == [True]
