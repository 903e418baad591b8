"""Times in which the engine itself stood still: measured, and not held against anybody."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from harness.engine.elapsed import elapsed_problem
from harness.engine.runner import Engine
from harness.engine.settings import Settings
from harness.engine.stalls import Stalls
from harness.engine.timeline import Mark
from harness.engine.world import World
from harness.model.matchers import AtLeast, AtMost, Not, Over, Under
from harness.model.outcome import Verdict
from harness.model.steps import Check
from harness.model.steps import Mark as MarkStep
from harness.model.values import Duration
from tests.harness.conftest import read_one, small_manifest

if TYPE_CHECKING:
    from pathlib import Path

    from harness.model.matchers import Matcher
    from harness.model.outcome import Failure, Outcome
    from harness.model.steps import Step

SECONDS = 0.5
"""How long the loop is held. To stand still is what is tested, so it sleeps."""


def test_a_span_holds_as_much_of_each_stall_as_lies_in_it() -> None:
    stalls = Stalls(lambda: 100.0)
    for began in (1.0, 2.0, 3.0):
        stalls.add(began, began + 0.5)
    assert stalls.within(0.0, 10.0) == pytest.approx(1.5)
    assert stalls.within(1.25, 2.25) == pytest.approx(0.5)
    assert stalls.within(2.1, 2.2) == pytest.approx(0.1)
    assert stalls.within(1.5, 2.0) == 0
    assert stalls.within(4.0, 5.0) == 0


def test_a_loop_that_is_held_is_a_stall_at_once_and_later() -> None:
    async def course() -> tuple[float, float, float]:
        began = time.monotonic()
        stalls = Stalls(time.monotonic)
        stalls.watch()
        time.sleep(SECONDS)
        held = time.monotonic()
        at_once = stalls.within(began, held)
        while not stalls._ended:
            await asyncio.sleep(0)
        stalls.release()
        return held - began, at_once, stalls.within(began, held)

    held, at_once, later = asyncio.run(course())
    assert SECONDS - 0.1 < at_once <= held
    assert later == pytest.approx(at_once)


class Holder:
    """Holds the engine's loop before a step of some kind."""

    def __init__(self, before: type[Step]) -> None:
        self._before = before

    async def before(self, step: Step, world: World) -> None:
        del world
        if isinstance(step, self._before):
            time.sleep(SECONDS)

    async def at_end(self, failure: Failure | None, world: World) -> None:
        """Nothing is left to hold."""


def held(text: str, root: Path, *, before: type[Step]) -> Outcome:
    with Engine(Settings(root=root, spectator=Holder(before))) as engine:
        return engine.run_one(read_one(text), small_manifest())


GAP = """
    actors:
      d: {daemon: probe}
      load: {load: d, clients: 2, send: "echo ${n}", expect: "ok ${n}", pause: 1ms}
    steps:
      - start: d
      - background: load
      - eventually: {of: load, done: {at_least: 5}}
      - mark: now
      - check: load
        failed: 0
        longest_gap: {under: 400ms, since: now}
    """


def test_a_gap_that_the_engine_made_itself_is_not_held_against_the_daemon_and_is_told(root: Path) -> None:
    outcome = held(GAP, root, before=Check)
    assert outcome.verdict is Verdict.PASSED, outcome.failure
    told = "\n".join(moment.text for moment in outcome.timeline)
    assert "expected under 400ms; not counted: the engine itself stood still for " in told


def test_a_gap_of_the_daemon_is_a_failure_though_the_engine_stood_still_before(root: Path) -> None:
    stopped = GAP.replace("check: load", "signal: {to: d, signal: STOP}\n      - pause: 3s\n        because: a gap\n"
                          "      - signal: {to: d, signal: CONT}\n      - check: load")  # fmt: skip
    outcome = held(stopped, root, before=MarkStep)
    assert outcome.failure is not None
    assert outcome.failure.message.startswith("no operation succeeded for ")
    assert outcome.failure.message.endswith("expected under 400ms")


@pytest.mark.parametrize(
    ("bound", "problem"),
    [
        (Under(Duration(0.25)), None),
        (Under(Duration(0.15)), "got 500ms, expected under 150ms"),
        (AtMost(Duration(0.21)), None),
        (Over(Duration(0.5)), "got 500ms, expected over 500ms"),
        (AtLeast(Duration(0.5)), None),
        (Not(Over(Duration(0.21))), None),
        (Not(Under(Duration(0.6))), "got 500ms, expected not under 600ms"),
    ],
    ids=str,
)
def test_only_an_upper_bound_is_moved_and_by_no_more_than_the_stall(
    bound: Matcher, problem: str | None, root: Path
) -> None:
    world = World(read_one(GAP), small_manifest(), Settings(root=root), root, "cookie")
    world.stalls.add(1.1, 1.4)
    assert elapsed_problem(bound, Mark(1, 1.5), world, since=Mark(0, 1.0)) == problem
