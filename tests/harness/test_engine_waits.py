"""Waiting: woken by what happens, bounded, ended by a death, and never fooled by a late look."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from harness.engine.timeline import Mark, Timeline
from harness.engine.verdicts import StepErroredError, StepFailedError
from harness.engine.waits import Limit, until
from harness.model.timeline import What

if TYPE_CHECKING:
    from collections.abc import Callable

LONG = Limit(600.0)


def test_what_is_there_already_is_found_at_once_even_without_time() -> None:
    timeline = Timeline()
    assert asyncio.run(until(timeline.pulse, lambda: 7, limit=Limit(0.0), waited_for="answer")) == 7


def test_a_wait_is_woken_by_every_record_and_looks_for_itself() -> None:
    async def course() -> list[int]:
        timeline = Timeline()
        looks: list[int] = []

        def probe() -> list[int] | None:
            looks.append(len(timeline.moments))
            if len(timeline.moments) == 3:
                return looks
            asyncio.get_running_loop().call_soon(timeline.record, "a", What.NOTE, "one more")
            return None

        return await until(timeline.pulse, probe, limit=LONG, waited_for="third moment")

    assert asyncio.run(course()) == [0, 1, 2, 3]


def test_many_waits_share_a_beat_and_one_that_is_cancelled_does_not_harm_the_others() -> None:
    async def course() -> list[bool]:
        timeline = Timeline()

        def probe() -> bool | None:
            return True if timeline.moments else None

        waits = [asyncio.create_task(until(timeline.pulse, probe, limit=LONG, waited_for="moment")) for _ in range(3)]
        await asyncio.sleep(0)
        waits[0].cancel()
        await asyncio.sleep(0)
        timeline.record("a", What.NOTE, "now")
        return await asyncio.gather(*waits[1:])

    assert asyncio.run(course()) == [True, True]


def failure_of(**how: object) -> StepFailedError:
    async def course() -> None:
        timeline = Timeline()
        await until(timeline.pulse, lambda: None, waited_for="answer", **how)  # type: ignore[arg-type]

    with pytest.raises(StepFailedError) as caught:
        asyncio.run(course())
    return caught.value


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"limit": Limit(0.01)}, "no answer within 10ms"),
        ({"limit": Limit(0.01, 2.5)}, "no answer within 25ms (10ms asked, time scale 2.5)"),
        ({"limit": Limit(0.01, 1, 0.02)}, "no answer within 30ms (10ms asked, the engine stood still for 20ms)"),
        ({"limit": Limit(0.01), "so_far": lambda: "silence"}, "no answer within 10ms: silence"),
        ({"limit": LONG, "dead": lambda: "d ended with status 1"}, "no answer: d ended with status 1"),
    ],
)
def test_a_failed_wait_says_what_for_and_how_long(how: dict[str, object], message: str) -> None:
    began = time.monotonic()
    assert failure_of(**how).message == message
    assert time.monotonic() - began < 60


def test_what_was_done_before_the_death_counts() -> None:
    timeline = Timeline()
    answer = until(timeline.pulse, lambda: "done", limit=LONG, waited_for="answer", dead=lambda: "d ended")
    assert asyncio.run(answer) == "done"


def test_what_nobody_announces_is_looked_for_again_and_again() -> None:
    looks: list[float] = []

    def probe() -> bool | None:
        looks.append(time.monotonic())
        return True if len(looks) == 5 else None

    assert asyncio.run(until(Timeline().pulse, probe, limit=LONG, waited_for="file", every=0.001)) is True


def test_a_stop_ends_waits_under_way_and_those_to_come_until_it_is_muted() -> None:
    async def course() -> bool:
        timeline = Timeline()
        asyncio.get_running_loop().call_later(0.001, timeline.pulse.stop, StepErroredError("the first"))
        for _ in range(2):
            with pytest.raises(StepErroredError, match="the first"):
                await until(timeline.pulse, lambda: None, limit=LONG, waited_for="answer")
            timeline.pulse.stop(StepErroredError("the second"))
        timeline.pulse.mute()
        with pytest.raises(StepFailedError):
            await until(timeline.pulse, lambda: None, limit=Limit(0.001), waited_for="answer")
        return True

    assert asyncio.run(course())


def clock(*times: float) -> Callable[[], float]:
    ticks = iter(times)
    return lambda: next(ticks)


def test_a_mark_is_between_what_was_before_and_what_comes_after() -> None:
    timeline = Timeline(clock=clock(100.0, 101.0, 102.0, 103.0))
    first = timeline.record("a", What.NOTE, "before")
    mark = timeline.mark()
    second = timeline.record("a", What.NOTE, "after")
    assert timeline.mark_of(first) < mark < timeline.mark_of(second)
    assert [moment.at for moment in timeline.moments] == [1.0, 3.0]
    assert mark == Mark(1, 2.0)
