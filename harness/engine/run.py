"""The course of one item: its steps, its `finally`, the clean-up, the look for what is left, the verdict.

    steps  ->  finally  ->  loads and clients let go  ->  daemons and processes stopped  ->  leaks  ->  Outcome

The first thing that goes wrong is the verdict; what comes after it is still done, and noted in the timeline.
"""

from __future__ import annotations

import asyncio
import secrets
import traceback
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.engine.actors.making import make_actor
from harness.engine.actors.started import StartedActor
from harness.engine.actors.syslog import SyslogActor
from harness.engine.known import judge_known
from harness.engine.leaks import find_leaks, kill_all
from harness.engine.teardown import stop_all
from harness.engine.timeline import HARNESS
from harness.engine.verbs import carry_out
from harness.engine.verdicts import StepErroredError, StepFailedError, StepUnsupportedError
from harness.engine.waits import Limit
from harness.engine.workspace import workspace
from harness.engine.world import World
from harness.model.manifest import Profile
from harness.model.outcome import Failure, Outcome, Verdict
from harness.model.steps import Disturbance, Stop
from harness.model.timeline import What

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from harness.engine.orphans import Orphans
    from harness.engine.settings import Settings
    from harness.engine.timeline import Timeline
    from harness.engine.workspace import Workspace
    from harness.model.manifest import Manifest
    from harness.model.scenario import Scenario
    from harness.model.source import Location
    from harness.model.steps import Step

_STOP_LIMIT = Stop.limit or 0.0
_SHORT_STOP_LIMIT = 2.0
"""What a daemon gets to stop in when the verdict stands already, or the run was interrupted."""


async def run_item(scenario: Scenario, manifest: Manifest, *, settings: Settings, orphans: Orphans) -> Outcome:
    """Run one item and say what came of it. Nothing that it started is left, also when it is cancelled."""
    with ExitStack() as stack:
        try:
            directory = stack.enter_context(
                workspace(settings.root, open_to_others=Profile.PRIVILEGES in scenario.needs)
            )
        except OSError as error:
            failure = Failure(scenario.location, f"no workspace can be made: {error}")
            return _outcome(scenario, manifest, Verdict.ERRORED, failure)
        outcome = judge_known(await _Course(scenario, manifest, settings, orphans, directory).run(), manifest)
        if settings.keep and outcome.verdict is not Verdict.PASSED:
            directory.keep = True
            outcome = replace(outcome, workspace=str(directory.path))
        return outcome


class _Course:
    """One item under way."""

    def __init__(
        self,
        scenario: Scenario,
        manifest: Manifest,
        settings: Settings,
        orphans: Orphans,
        directory: Workspace,
    ) -> None:
        self._scenario = scenario
        self._workspace = directory
        self._orphans = orphans
        self._world = World(scenario, manifest, settings, directory.path, secrets.token_hex(8))
        self._world.find_living = lambda: orphans.living_of(self._world.census)
        self._verdict = Verdict.PASSED
        self._failure: Failure | None = None
        self._reason: str | None = None
        self._seconds = 0.0

    async def run(self) -> Outcome:
        world = self._world
        self._orphans.watch(world.census)
        world.stalls.watch()
        try:
            await self._whole_course()
        finally:
            # Nothing is awaited here: it holds also when the clean-up itself was cancelled.
            world.stalls.release()
            self._orphans.kill_now(world.census)
            world.census.release()
            self._orphans.forget(world.census)
        return _outcome(
            self._scenario,
            world.manifest,
            self._verdict,
            self._failure,
            reason=self._reason,
            seconds=self._seconds,
            timeline=world.timeline,
        )

    async def _whole_course(self) -> None:
        world = self._world
        try:
            for model in self._scenario.actors:
                world.actors[model.name] = make_actor(model, world)
            for step in self._scenario.steps:
                await world.show(step)
                if not await self._step(step):
                    break
            self._seconds = world.timeline.now()
            if world.settings.spectator is not None:
                await world.settings.spectator.at_end(self._failure, world)
        finally:
            # A cancelled task may await; only a second cancellation would end this too.
            await self._clean_up()

    async def _clean_up(self) -> None:
        self._world.timeline.pulse.mute()
        for step in self._scenario.always:
            await self._step(step)
        actors = list(reversed(self._world.actors.values()))
        for actor in actors:
            if isinstance(actor, SyslogActor):
                # A log that takes nothing would keep its daemon from stopping.
                actor.disturb(Disturbance.RESUME)
            elif not isinstance(actor, StartedActor):
                await self._guard(actor.release(), self._location(actor.name))
        await self._guard(self._stop(), self._scenario.location)
        for actor in actors:
            if isinstance(actor, StartedActor | SyslogActor):
                await self._guard(actor.release(), self._location(actor.name))
        await self._guard(self._look_for_leaks(), self._scenario.location)
        # What a testee said while it was stopped may have been wrong too.
        if self._verdict is Verdict.PASSED and self._world.timeline.pulse.reason is not None:
            self._settle_exception(self._world.timeline.pulse.reason, self._scenario.location)

    async def _step(self, step: Step) -> bool:
        """Carry out a step; whether the next may follow."""
        return await self._guard(carry_out(step, self._world), step.location)

    async def _guard(self, part: Coroutine[object, object, None], location: Location) -> bool:
        """Do a part of the course, and settle the verdict if it fails; whether it has succeeded."""
        try:
            await part
        except Exception as error:  # noqa: BLE001 - a fault of the harness must end as a verdict that says so
            self._settle_exception(error, location)
            return False
        return True

    async def _stop(self) -> None:
        task = asyncio.current_task()
        hurried = self._verdict is not Verdict.PASSED or (task is not None and task.cancelling() > 0)
        within = dict(self._scenario.limits).get("stop") or self._scenario.within
        asked = _SHORT_STOP_LIMIT if hurried else _STOP_LIMIT if within is None else within.seconds
        for end in await stop_all(self._world, Limit(asked, self._world.settings.time_scale)):
            self._settle(Verdict.FAILED, Failure(self._location(end.actor), end.message, end.moment))

    async def _look_for_leaks(self) -> None:
        if self._verdict is not Verdict.PASSED:
            await kill_all(self._world, self._orphans)
            return
        leaks = await find_leaks(self._world, self._orphans, self._workspace)
        if leaks:
            self._settle(Verdict.LEAKED, Failure(self._scenario.location, f"left behind: {'; '.join(leaks)}"))

    def _settle_exception(self, error: Exception, location: Location) -> None:
        match error:
            case StepFailedError():
                place, frames = error.location or location, tuple(error.frames)
                self._settle(Verdict.FAILED, Failure(place, error.message, error.moment, error.since, frames))
            case StepErroredError():
                place, frames = error.location or location, tuple(error.frames)
                self._settle(Verdict.ERRORED, Failure(place, error.message, error.moment, frames=frames))
            case StepUnsupportedError():
                if self._verdict is Verdict.PASSED:
                    self._verdict, self._reason = Verdict.UNSUPPORTED, error.reason
            case _:
                self._settle(Verdict.ERRORED, Failure(location, _describe_fault(error)))

    def _settle(self, verdict: Verdict, failure: Failure) -> None:
        """The first verdict stays; what comes later is noted."""
        if self._verdict is Verdict.PASSED:
            self._verdict, self._failure = verdict, failure
        else:
            self._world.timeline.record(HARNESS, What.NOTE, f"also {verdict}: {failure.location}: {failure.message}")

    def _location(self, actor: str) -> Location:
        return self._scenario.actor(actor).location


def _describe_fault(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"a fault of the harness itself: {type(error).__name__}: {error}{where}"


def _outcome(
    scenario: Scenario,
    manifest: Manifest,
    verdict: Verdict,
    failure: Failure | None,
    *,
    reason: str | None = None,
    seconds: float = 0.0,
    timeline: Timeline | None = None,
) -> Outcome:
    return Outcome(
        item=scenario.item,
        title=scenario.title,
        clauses=scenario.clauses,
        implementation=manifest.name,
        verdict=verdict,
        location=scenario.location,
        seconds=seconds,
        failure=failure,
        reason=reason,
        timeline=() if timeline is None else tuple(timeline.moments),
        marks=() if timeline is None else tuple((name, mark.at) for name, mark in timeline.marks.items()),
        needs=tuple(sorted(scenario.profiles)),
    )
