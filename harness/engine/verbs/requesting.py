"""request, response: HTTP over a client's connection.

An end of the connection ends the wait, as in `talking`; it is also what ends a body that says no length.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.engine.actors.http import HttpActor
from harness.engine.actors.response import MalformedResponseError
from harness.engine.elapsed import elapsed_problem
from harness.engine.lookup import Given
from harness.engine.match import check
from harness.engine.shown import show_text
from harness.engine.verbs.talking import obituary
from harness.engine.verdicts import StepFailedError
from harness.engine.waits import until

_KEPT = {True: "is kept", False: "is not kept"}

if TYPE_CHECKING:
    from harness.engine.actors.response import Response
    from harness.engine.timeline import Mark
    from harness.engine.world import World
    from harness.model.matchers import Matcher
    from harness.model.steps import Answer, Request
    from harness.model.steps import Response as ResponseStep


async def request(step: Request, world: World) -> Given:
    """Send a request, and wait for the response if the step does."""
    actor = world.actor(step.of, HttpActor)
    mark = world.timeline.mark()
    actor.begin(
        step.method,
        world.scope.text(step.path),
        step.version,
        fields={name: world.scope.text(value) for name, value in (step.headers or {}).items()},
        body="" if step.body is None else world.scope.text(step.body),
    )
    if not step.wait:
        return Given(mark)
    return await _response(actor, step, world, since=mark)


async def response(step: ResponseStep, world: World) -> Given:
    """Wait for the response to the request that was sent before."""
    since = world.since(step.since, world.timeline.mark())
    return await _response(world.actor(step.of, HttpActor), step, world, since=since)


async def _response(actor: HttpActor, step: Request | ResponseStep, world: World, *, since: Mark) -> Given:
    client = actor.client
    connection = client.connection
    try:
        found = await until(
            world.timeline.pulse,
            actor.response,
            limit=world.limit(step),
            waited_for=f"response came to {actor.name}",
            dead=lambda: None if connection.ended is None else f"the connection was {connection.ended}{_so_far(actor)}",
            so_far=lambda: _so_far(actor).removeprefix(" after ") or None,
        )
    except MalformedResponseError as error:
        raise StepFailedError(f"what came to {actor.name} is no HTTP response: {error}", moment=actor.moment) from None
    except StepFailedError as failure:
        if connection.ended is None:
            raise
        raise StepFailedError(failure.message + await obituary(client, world), moment=connection.ended.moment) from None
    problem = None if step.expect is None else _problem(step.expect, found, world)
    if problem is None and step.elapsed is not None:
        assert actor.moment is not None
        late = elapsed_problem(step.elapsed, world.timeline.mark_of(actor.moment), world, since=since)
        problem = None if late is None else f"the time until it came: {late}"
    if problem is not None:
        raise StepFailedError(problem, moment=actor.moment)
    fields = {"status": found.status, "version": found.version, "body": found.text, "kept": found.is_kept}
    return Given(since, fields, found.text)


def _problem(wanted: Answer, found: Response, world: World) -> str | None:
    """The first thing that is not as it is wanted, with the body's beginning where the status is another."""
    looks: list[tuple[str, Matcher | None, object]] = [
        ("status", wanted.status, found.status),
        ("version", wanted.version, found.version),
        *(
            (f"header {name}", matcher, found.fields.get(name.lower()))
            for name, matcher in (wanted.headers or {}).items()
        ),
        ("body", wanted.body, found.text),
    ]
    for what, matcher, actual in looks:
        if matcher is None:
            continue
        if actual is None:
            return f"the response has no {what}; it has {', '.join(found.fields) or 'no header at all'}"
        if (problem := check(matcher, actual, world.scope)) is not None:
            body = f"; its body is {show_text(found.text)}" if what == "status" and found.body else ""
            return f"{what} of the response: {problem}{body}"
    for name in wanted.absent:
        if (value := found.fields.get(name.lower())) is not None:
            return f"the response has the header {name}: {show_text(value)}, expected none"
    if wanted.kept is not None and wanted.kept is not found.is_kept:
        return f"the connection {_KEPT[found.is_kept]} after the response, expected that it {_KEPT[wanted.kept]}"
    return None


def _so_far(actor: HttpActor) -> str:
    came = actor.came.decode(errors="backslashreplace")
    return f" after {show_text(came)}" if came else ""
