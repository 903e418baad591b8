"""connect, close, send, expect, talk: what a client does, and what it waits for.

An end of the connection is the end of every wait on it: the failure says what had come until then, how it ended and,
if the daemon behind it has died, how that ended. While the connection is open its peer is there, whatever has become of
the daemon's first process, so nothing else ends a wait early.
"""

from __future__ import annotations

import errno
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, assert_never

from harness.engine.actors.client import ClientActor
from harness.engine.actors.connection import Connection, Ended, Received, errno_name
from harness.engine.actors.lines import LONGEST_LINE, LineEnd
from harness.engine.actors.secure import HandshakeError
from harness.engine.elapsed import elapsed_problem
from harness.engine.lookup import Given
from harness.engine.match import check, describe
from harness.engine.shown import show_text
from harness.engine.verdicts import StepErroredError, StepFailedError
from harness.engine.waits import Limit, until
from harness.model.steps import Close, Closing, Connect, Connected, End, Expect, Send, Talk
from harness.model.timeline import What

if TYPE_CHECKING:
    from harness.engine.timeline import Mark
    from harness.engine.world import World
    from harness.model.matchers import Matcher
    from harness.model.values import Name

_REFUSED = (errno.ECONNREFUSED, errno.ENOENT)
"""Nobody listens: at a port, or at a path where a socket may have been."""
_ANSWER = "ok "
_FOR_THE_OBITUARY = 0.2
"""Seconds that a failing step grants to a dying daemon: its sockets end a moment before its status is known."""


async def connect(step: Connect, world: World) -> Given:
    """Open the connection, or be refused or rejected, as the step expects."""
    client = world.actor(step.of, ClientActor)
    mark = world.timeline.mark()
    endpoint = client.endpoint
    try:
        connection = await client.connect(endpoint, world.limit(step))
    except OSError as error:
        moment = world.timeline.record(client.name, What.CLOSED, f"connect to {endpoint}: {errno_name(error)}")
        if error.errno is None or isinstance(error, socket.gaierror):
            raise StepErroredError(f"{client.name} cannot connect to {endpoint}: {error}", moment=moment) from error
        if step.expect is Connected.REFUSED and error.errno in _REFUSED:
            return Given(mark)
        raise StepFailedError(
            f"{client.name} {'was refused' if error.errno in _REFUSED else 'could not connect'} at {endpoint}"
            f" ({errno_name(error)}), expected to be {step.expect}" + await obituary(client, world),
            moment=moment,
        ) from error
    except HandshakeError as error:
        return await _on_no_handshake(step, client, error, world, mark=mark)
    if step.expect is not Connected.ACCEPTED:
        raise StepFailedError(f"{client.name} was accepted, expected to be {step.expect}", moment=connection.opened)
    return Given(mark)


async def _on_no_handshake(
    step: Connect, client: ClientActor, error: HandshakeError, world: World, *, mark: Mark
) -> Given:
    said = f"no TLS handshake with {client.endpoint}: {error.reason}"
    moment = world.timeline.record(client.name, What.CLOSED, said)
    if step.expect is not Connected.REJECTED:
        expected = f", expected to be {step.expect}"
        raise StepFailedError(f"{client.name} got {said}{expected}" + await obituary(client, world), moment=moment)
    problem = None if step.reason is None else check(step.reason, error.reason, world.scope)
    if problem is not None:
        raise StepFailedError(f"why there is no TLS handshake: {problem}", moment=moment)
    return Given(mark)


async def close(step: Close, world: World) -> Given:
    """End the connection, or one half of it."""
    client = world.actor(step.of, ClientActor)
    connection = client.connection
    mark = world.timeline.mark()
    if step.how is Closing.RESET and connection.is_unix:
        raise StepErroredError(f"{client.name} has a Unix socket, which knows no reset")
    try:
        connection.close(step.how)
    except OSError as error:
        raise StepFailedError(f"the sending half of {client.name} cannot be closed: {errno_name(error)}") from error
    if step.how is not Closing.WRITE:
        client.forget()
    return Given(mark)


async def send(step: Send, world: World) -> Given:
    """Send, and wait until the kernel has taken all of it."""
    client = world.actor(step.of, ClientActor)
    mark = world.timeline.mark()
    if step.line is not None:
        data = world.scope.text(step.line) + "\n"
    elif step.text is not None:
        data = world.scope.text(step.text)
    else:
        raise StepErroredError("the step names neither a line nor a text")
    await _send(client, data, world, limit=world.limit(step))
    return Given(mark)


async def expect(step: Expect, world: World) -> Given:
    """Wait for the next line, or for the end, or for the one and then the other."""
    client = world.actor(step.of, ClientActor)
    connection = client.connection
    since = world.since(step.since, world.timeline.mark())
    limit = world.limit(step)
    if step.end is None:
        received = await _line(client, connection, step.line, world, limit=limit)
        _check_elapsed(step.elapsed, received, world, since=since, name=step.since)
        return _reply(received, received.mark)
    if step.line is not None:
        await _line(client, connection, step.line, world, limit=limit)
    ended = await _end(client, connection, step.end, world, limit=limit)
    _check_elapsed(step.elapsed, ended, world, since=since, name=step.since)
    return Given(ended.mark, {"end": str(ended.how)})


async def talk(step: Talk, world: World) -> Given:
    """Send a line and wait for the next one that comes."""
    client = world.actor(step.of, ClientActor)
    connection = client.connection
    limit = world.limit(step)
    mark = world.timeline.mark()
    moment = connection.send((world.scope.text(step.send) + "\n").encode())
    if connection.send_error is not None and connection.ended is None:
        raise StepFailedError(f"{client.name} could not send ({connection.send_error})", moment=moment)
    # Whatever the peer takes of it: what it says, or how it ends the connection, is the answer.
    received = await _line(client, connection, step.expect, world, limit=limit)
    _check_elapsed(step.elapsed, received, world, since=mark, name=None)
    return _reply(received, mark)


async def _send(client: ClientActor, text: str, world: World, *, limit: Limit) -> None:
    connection = client.connection
    moment = connection.send(text.encode())
    await until(
        world.timeline.pulse,
        lambda: None if connection.unsent else True,
        limit=limit,
        waited_for=f"room for what {client.name} sends",
        so_far=lambda: _so_far(connection),
    )
    if (error := connection.send_error) is None:
        return
    if connection.ended is None:
        raise StepFailedError(f"{client.name} could not send ({error})", moment=moment)
    raise StepFailedError(
        f"{client.name} could not send ({error}): the connection was {connection.ended}"
        + await obituary(client, world),
        moment=connection.ended.moment,
    )


async def _line(
    client: ClientActor, connection: Connection, wanted: Matcher | None, world: World, *, limit: Limit
) -> Received:
    """The next line, which is as `wanted` says."""
    expected = "a line" if wanted is None else describe(wanted, world.scope)
    came: Received | Ended = await until(
        world.timeline.pulse,
        connection.next,
        limit=limit,
        waited_for=f"line came to {client.name} (expected {expected})",
        so_far=lambda: _so_far(connection),
    )
    if isinstance(came, Ended):
        raise StepFailedError(
            f"the connection of {client.name} was {came} before a line came, expected {expected}"
            + await obituary(client, world),
            moment=came.moment,
        )
    match came.line.end:
        case LineEnd.TOO_LONG:
            got = f"a line of more than {LONGEST_LINE // 1024} KiB, {show_text(came.line.text)}"
            raise StepFailedError(f"got {got}, expected {expected}", moment=came.moment)
        case LineEnd.STREAM_END:
            raise StepFailedError(
                f"the connection of {client.name} was {connection.ended} after {show_text(came.line.text)}"
                f" and before a newline, expected {expected}" + await obituary(client, world),
                moment=came.moment,
            )
        case LineEnd.NEWLINE:
            problem = None if wanted is None else check(wanted, came.line.text, world.scope)
            if problem is not None:
                raise StepFailedError(problem, moment=came.moment)
            return came
        case _:
            assert_never(came.line.end)


async def _end(client: ClientActor, connection: Connection, wanted: End, world: World, *, limit: Limit) -> Ended:
    """The end of the connection, which is as `wanted` says and the next thing that comes."""
    came: Received | Ended = await until(
        world.timeline.pulse,
        connection.next,
        limit=limit,
        waited_for=f"end of the connection of {client.name}",
        so_far=lambda: _so_far(connection),
    )
    if isinstance(came, Received):
        raise StepFailedError(
            f"got {show_text(came.line.text)}, expected nothing but the end of the connection", moment=came.moment
        )
    if wanted not in (End.ANY, came.how):
        raise StepFailedError(
            f"the connection of {client.name} was {came}, expected it to be {wanted}" + await obituary(client, world),
            moment=came.moment,
        )
    return came


def _so_far(connection: Connection) -> str | None:
    if connection.unsent:
        return f"its peer does not read, {connection.unsent} bytes could not be sent"
    return f"{show_text(connection.partial)} came, and no end of line" if connection.partial else None


async def obituary(client: ClientActor, world: World) -> str:
    """The last part of a failure's sentence: how the daemon behind the client has died, if it has."""
    if not client.has_known_peer:
        return ""
    with suppress(StepFailedError):
        death = await until(
            world.timeline.pulse,
            client.peer_obituary,
            limit=Limit(_FOR_THE_OBITUARY, world.settings.time_scale),
            waited_for=f"death behind {client.name}",
        )
        return f"; {death}"
    return ""


def _check_elapsed(
    wanted: Matcher | None, came: Received | Ended, world: World, *, since: Mark, name: Name | None
) -> None:
    if wanted is None:
        return
    problem = elapsed_problem(wanted, came.mark, world, since=since)
    if problem is not None:
        mark = None if name is None else str(name)
        raise StepFailedError(f"the time until it came: {problem}", moment=came.moment, since=mark)


def _reply(received: Received, mark: Mark) -> Given:
    text = received.line.text
    fields = {"text": text}
    if text.startswith(_ANSWER):
        fields["value"] = text.removeprefix(_ANSWER)
    return Given(mark, fields, text)
