"""background, wait, cancel, check: loads, and what they have come to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.engine.actors.load import LoadActor
from harness.engine.elapsed import forgive
from harness.engine.lookup import Given
from harness.engine.match import check as match_value
from harness.engine.match import describe, location_of
from harness.engine.verdicts import StepErroredError, StepFailedError
from harness.engine.waits import Limit, until
from harness.model.matchers import Equals
from harness.model.steps import Configure, Fault, Launch, Signal, Start, Stop, Write
from harness.model.values import Duration

if TYPE_CHECKING:
    from harness.engine.actors.tally import FailedOperation
    from harness.engine.timeline import Mark
    from harness.engine.world import World
    from harness.model.matchers import Matcher
    from harness.model.steps import Background, Cancel, Check, Gap, Latency, Step, Wait

_ACTS = (Start, Launch, Stop, Signal, Configure, Write, Fault)
"""Steps that do something to a daemon: times are told from the last of them."""


async def background(step: Background, world: World) -> Given:
    """Let the load run while the steps go on."""
    mark = world.timeline.mark()
    world.actor(step.of, LoadActor).start()
    return Given(mark)


async def wait(step: Wait, world: World) -> Given:
    """Wait until all operations are done."""
    load = _begun(step, world)
    if load.is_running and not load.ends_by_itself:
        raise StepErroredError(f"{load.name} has no number of operations, it ends by a cancel step only")
    await _ended(load, world, limit=world.limit(step))
    return Given(world.timeline.mark())


async def cancel(step: Cancel, world: World) -> Given:
    """Let no operation begin any more, and wait for those under way."""
    load = _begun(step, world)
    mark = world.timeline.mark()
    load.cancel()
    await _ended(load, world, limit=world.limit(step))
    return Given(mark)


async def check(step: Check, world: World) -> Given:
    """Look at what the load has done up to now."""
    load = _begun(step, world)
    if not load.tally.done and step.done is None:
        raise StepFailedError(f"no operation of {load.name} has ended, so there is nothing to check")
    if step.failed is not None:
        _check_failed(step.failed, load, world)
    if step.done is not None and (problem := match_value(step.done, load.tally.done, world.scope)) is not None:
        raise StepFailedError(f"operations that ended: {problem}", location=location_of(step.done))
    if step.longest_gap is not None:
        _check_gap(step.longest_gap, load, world)
    if step.latency is not None:
        _check_latency(step.latency, load, world)
    if step.served_by is not None:
        _check_served_by(step.served_by, load, world)
    return Given(world.timeline.mark())


def _begun(step: Wait | Cancel | Check, world: World) -> LoadActor:
    load = world.actor(step.of, LoadActor)
    if load.began_at is None:
        raise StepErroredError(f"{load.name} has not begun: a background step must come before")
    return load


async def _ended(load: LoadActor, world: World, *, limit: Limit) -> None:
    await until(
        world.timeline.pulse,
        lambda: load.ended_at,
        limit=limit,
        waited_for=f"end of {load.name}",
        so_far=lambda: f"{load.tally.done} operations have ended, {load.tally.failed} of them failed",
    )


def _check_failed(wanted: Matcher, load: LoadActor, world: World) -> None:
    tally = load.tally
    if match_value(wanted, tally.failed, world.scope) is None:
        return
    counted = f"{tally.failed} of {tally.done} operations failed"
    # "failed: 0" needs no words: every failure is one too many.
    expected = "" if isinstance(wanted, Equals) and wanted.operand.value == 0 else describe(wanted, world.scope)
    more = f", expected {expected}" if expected else ""
    if not tally.failures:
        raise StepFailedError(counted + more, location=location_of(wanted))
    first = tally.failures[0]
    when, since = _when(first, load, world)
    raise StepFailedError(
        f"{counted}{more}: {load.name}{first}, {when}", moment=first.moment, since=since, location=location_of(wanted)
    )


def _check_gap(gap: Gap, load: LoadActor, world: World) -> None:
    assert load.began_at is not None
    until_ = world.timeline.now() if load.ended_at is None else load.ended_at
    since = load.began_at
    if gap.since is not None:
        since = max(since, world.scope.mark(gap.since).at)
        if since >= until_:
            raise StepFailedError(f"{load.name} had ended before {gap.since}, so no gap can be seen after it")
    longest = load.tally.longest_gap(since, until_)
    limit = Limit(gap.under.seconds, world.settings.time_scale)
    if longest.seconds < limit.seconds:
        return
    # What the engine did not see for itself is no gap of the daemon's.
    longest = load.tally.longest_gap(since, until_, unseen=world.stalls.within)
    stalled = world.stalls.within(longest.began, longest.ended)
    if longest.seconds - stalled < limit.seconds:
        forgive(f"no operation succeeded for {_milliseconds(longest.seconds)}, expected under {limit}", stalled, world)
        return
    counted_from = f"{gap.since}" if gap.since is not None else f"{load.name} began"
    origin = world.scope.mark(gap.since).at if gap.since is not None else load.began_at
    raise StepFailedError(
        f"no operation succeeded for {_milliseconds(longest.seconds)}, from {_milliseconds(longest.began - origin)} to"
        f" {_milliseconds(longest.ended - origin)} after {counted_from}{_line_of(counted_from, world)},"
        f" expected under {limit}",
        moment=_first_moment(world, longest.began, longest.ended),
        since=None if gap.since is None else str(gap.since),
    )


def _check_latency(latency: Latency, load: LoadActor, world: World) -> None:
    wanted = {50: latency.p50, 90: latency.p90, 99: latency.p99, 100: latency.max}
    for percent, matcher in wanted.items():
        seconds = load.tally.latency(percent)
        if matcher is None:
            continue
        if seconds is None:
            raise StepFailedError(f"no operation of {load.name} has succeeded, so there is no latency")
        problem = _latency_problem(matcher, seconds, world)
        if problem is not None:
            # As above: an upper bound only, so a latency that is to be long is judged as it was seen.
            unstalled = load.tally.latency(percent, unseen=world.stalls.within) or 0.0
            if unstalled < seconds and _latency_problem(matcher, seconds, world, stalled=seconds - unstalled) is None:
                forgive(f"a latency: {problem}", seconds - unstalled, world)
                continue
            name = "the longest latency" if percent == 100 else f"the latency that {percent} % did not exceed"
            raise StepFailedError(f"{name}: {problem}", location=location_of(matcher))


def _latency_problem(matcher: Matcher, seconds: float, world: World, *, stalled: float = 0.0) -> str | None:
    elapsed = Duration(round(seconds, 6))
    return match_value(matcher, elapsed, world.scope, scale=world.settings.time_scale, stalled=stalled)


def _check_served_by(wanted: Matcher, load: LoadActor, world: World) -> None:
    if not load.looks_for_pids:
        raise StepErroredError(f"{load.name} expects one known text, so its answers tell no pid: let it expect a match")
    if not load.tally.servers:
        raise StepFailedError(f"no answer that {load.name} got tells a pid: `ok PID`")
    problem = match_value(wanted, load.tally.servers, world.scope)
    if problem is not None:
        raise StepFailedError(f"the processes that have answered: {problem}", location=location_of(wanted))


def _when(failure: FailedOperation, load: LoadActor, world: World) -> tuple[str, str | None]:
    """How long after what the operation failed, and the name of that mark."""
    before = {name: mark for name, mark in world.timeline.marks.items() if mark.at <= failure.ended}
    acts = {name: mark for name, mark in before.items() if isinstance(_step_of(name, world), _ACTS)}
    candidates = acts or before
    if not candidates:
        assert load.began_at is not None
        return f"{_milliseconds(failure.ended - load.began_at)} after it began", None
    name, mark = max(candidates.items(), key=_position)
    return f"{_milliseconds(failure.ended - mark.at)} after {name}{_line_of(name, world)}", name


def _position(named: tuple[str, Mark]) -> Mark:
    return named[1]


def _step_of(name: str, world: World) -> Step | None:
    return next((step for step in world.scenario.every_step if step.as_name == name), None)


def _line_of(name: str, world: World) -> str:
    step = _step_of(name, world)
    return "" if step is None else f" (line {step.location.line})"


def _first_moment(world: World, began: float, ended: float) -> int | None:
    """The first thing that happened in a span of time."""
    return next(
        (index for index, moment in enumerate(world.timeline.moments) if began <= moment.at <= ended),
        None,
    )


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{Duration(round(seconds, 2))}"
