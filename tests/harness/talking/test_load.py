"""A load's operations, against peers that answer well, badly, late and not at all."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from harness.engine.actors.tally import Cause
from harness.engine.verbs.loading import _milliseconds
from harness.engine.verdicts import StepErroredError, StepFailedError
from harness.model.actors import Connections
from harness.model.matchers import AtLeast, Equals, Length, Matches, Under
from harness.model.source import Location
from harness.model.steps import Background, Cancel, Check, Eventually, Gap, Latency, Wait
from harness.model.timeline import What
from harness.model.values import Duration, Name, Pattern, Reference, Scalar, Text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from harness.engine.actors.load import LoadActor
    from tests.harness.talking.conftest import Peer, Script, Stage

    Play = Callable[[Script], None]
    Handler = Callable[[Peer], Awaitable[None]]

HERE = Location("a.yaml", 1, 1)
LOAD = Name(("load",), HERE)
GENEROUS = Duration(60.0)
SHORT = Duration(0.1)
NONE = Equals(Scalar(Text(("0",), Location("a.yaml", 9, 13)), 0))
A_PID = Matches(Pattern(r"^ok \d+$"))
KINDS = pytest.mark.parametrize("kind", ["127.0.0.1", "::1", "unix"])
USES = pytest.mark.parametrize("connections", list(Connections))


def moments(stage: Stage, what: What) -> list[str]:
    return [f"{moment.actor}: {moment.text}" for moment in stage.world.timeline.moments if moment.what is what]


async def run(stage: Stage) -> None:
    """Let the load do all its operations."""
    await stage.perform(Background(HERE, of=LOAD))
    await stage.perform(Wait(HERE, of=LOAD, within=GENEROUS))


async def eventually(stage: Stage, *, done: int) -> None:
    await stage.perform(Eventually(HERE, of=LOAD, done=AtLeast(done), within=GENEROUS))


def causes(load: LoadActor) -> list[tuple[Cause, str]]:
    return [(failure.cause, failure.detail) for failure in load.tally.failures]


@KINDS
@USES
def test_every_operation_is_answered_and_counted(
    play: Play, echo: Handler, kind: str, connections: Connections
) -> None:
    async def script(stage: Stage) -> None:
        listener = stage.listen(kind)
        stage.serve(listener, echo)
        load = stage.add_load(clients=3, operations=200, connections=connections)
        await run(stage)
        assert (load.tally.done, load.tally.failed) == (200, 0)
        assert len(listener.peers) == (200 if connections is Connections.EACH else 3)
        await stage.perform(Check(HERE, of=LOAD, failed=NONE, done=AtLeast(200)))

    play(script)


def test_operations_that_succeed_leave_no_trace_in_the_timeline(play: Play, echo: Handler) -> None:
    async def script(stage: Stage) -> None:
        stage.serve(stage.listen(), echo)
        stage.add_load(clients=4, operations=1000, connections=Connections.KEPT)
        await run(stage)
        assert moments(stage, What.NOTE) == [
            f"load: 4 clients begin, to {stage.daemon.address}",
            "load: ended: 1000 operations, 0 failed",
        ]
        assert len(stage.world.timeline.moments) == 2

    play(script)


def test_a_load_without_a_number_of_operations_runs_until_cancelled(play: Play, echo: Handler) -> None:
    async def script(stage: Stage) -> None:
        stage.serve(stage.listen(), echo)
        load = stage.add_load()
        await stage.perform(Background(HERE, of=LOAD))
        await eventually(stage, done=50)
        await stage.perform(Cancel(HERE, of=LOAD, within=GENEROUS))
        done = load.tally.done
        assert load.ended_at is not None
        assert done >= 50
        assert load.tally.failed == 0
        await asyncio.sleep(0.05)
        assert load.tally.done == done

    play(script)


def test_cancel_lets_the_operations_under_way_finish(play: Play) -> None:
    async def script(stage: Stage) -> None:
        go_on = asyncio.Event()

        async def slowly(peer: Peer) -> None:
            line = await peer.hear()
            await go_on.wait()
            await peer.say(line.replace(b"echo", b"ok"))

        listener = stage.listen()
        stage.serve(listener, slowly)
        load = stage.add_load(clients=3)
        await stage.perform(Background(HERE, of=LOAD))
        while len(listener.peers) < 3:
            await asyncio.sleep(0)
        task = asyncio.create_task(stage.perform(Cancel(HERE, of=LOAD, within=GENEROUS)))
        await asyncio.sleep(0.01)
        assert not task.done()
        go_on.set()
        await task
        assert (load.tally.done, load.tally.failed) == (3, 0)

    play(script)


def test_cancel_does_not_wait_for_a_pause(play: Play, echo: Handler) -> None:
    async def script(stage: Stage) -> None:
        stage.serve(stage.listen(), echo)
        load = stage.add_load(clients=3, pause=1000.0)
        await stage.perform(Background(HERE, of=LOAD))
        await eventually(stage, done=3)
        await stage.perform(Cancel(HERE, of=LOAD, within=GENEROUS))
        assert load.tally.done == 3

    play(script)


def test_a_cancel_that_takes_too_long_says_how_far_it_is(play: Play) -> None:
    async def script(stage: Stage) -> None:
        stage.listen()
        stage.add_load(clients=1)
        await stage.perform(Background(HERE, of=LOAD))
        failure = await stage.failure(Cancel(HERE, of=LOAD, within=SHORT))
        assert failure.message == "no end of load within 100ms: 0 operations have ended, 0 of them failed"

    play(script)


def test_a_pause_bounds_the_rate(play: Play, echo: Handler) -> None:
    async def script(stage: Stage) -> None:
        stage.serve(stage.listen(), echo)
        load = stage.add_load(clients=1, operations=4, pause=0.05)
        await run(stage)
        assert load.began_at is not None
        assert load.ended_at is not None
        assert load.ended_at - load.began_at >= 0.15

    play(script)


def test_a_refused_connection_fails_the_operation_and_not_the_load(play: Play, echo: Handler) -> None:
    async def script(stage: Stage) -> None:
        listener = stage.listen("unix")
        stage.serve(listener, echo)
        load = stage.add_load(clients=2)
        await stage.perform(Background(HERE, of=LOAD))
        await eventually(stage, done=20)
        stage.shut(listener)
        # Those in the backlog are reset, those that come later are refused.
        await stage.perform(Eventually(HERE, of=LOAD, failed=AtLeast(5), within=GENEROUS))
        stage.serve(stage.listen("unix"), echo)
        succeeded = load.tally.succeeded
        while load.tally.succeeded < succeeded + 20:
            await asyncio.sleep(0.001)
        await stage.perform(Cancel(HERE, of=LOAD, within=GENEROUS))
        assert {cause for cause, _ in causes(load)} - {Cause.RESET} == {Cause.REFUSED}

    play(script)


@USES
def test_a_peer_that_closes_instead_of_answering_fails_the_operation(play: Play, connections: Connections) -> None:
    async def script(stage: Stage) -> None:
        async def half_an_answer(peer: Peer) -> None:
            await peer.hear()
            await peer.say(b"ok")

        stage.serve(stage.listen(), half_an_answer)
        load = stage.add_load(clients=1, operations=2, connections=connections)
        await run(stage)
        assert causes(load) == [(Cause.CLOSED, "'ok' came")] * 2

    play(script)


def test_a_peer_that_resets_fails_the_operation(play: Play) -> None:
    async def script(stage: Stage) -> None:
        async def reset(peer: Peer) -> None:
            await peer.hear()
            peer.reset()

        stage.serve(stage.listen(), reset)
        load = stage.add_load(clients=1, operations=1)
        await run(stage)
        assert causes(load) == [(Cause.RESET, "nothing came")]

    play(script)


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (b"ok 7\n", "got 'ok 7', expected 'ok 1'"),
        (b"ok 1\r\n", r"got 'ok 1\r', expected 'ok 1'"),
        (b"\xff\n", r"got '\\xff', expected 'ok 1'"),
    ],
)
def test_another_answer_fails_the_operation_with_both(play: Play, answer: bytes, detail: str) -> None:
    async def script(stage: Stage) -> None:
        async def wrong(peer: Peer) -> None:
            await peer.hear()
            await peer.say(answer)

        stage.serve(stage.listen(), wrong)
        load = stage.add_load(clients=1, operations=1)
        await run(stage)
        assert causes(load) == [(Cause.WRONG, detail)]

    play(script)


def test_a_line_without_end_fails_the_operation_and_is_bounded(play: Play) -> None:
    async def script(stage: Stage) -> None:
        async def endless(peer: Peer) -> None:
            while True:
                await peer.say(b"x" * 65536)

        stage.serve(stage.listen(), endless)
        load = stage.add_load(clients=1, operations=1)
        await run(stage)
        ((cause, detail),) = causes(load)
        assert cause is Cause.WRONG
        assert detail.startswith("a line of more than 64 KiB, 'xxx")
        assert len(detail) < 250

    play(script)


def test_an_answer_in_pieces_is_one_answer(play: Play) -> None:
    async def script(stage: Stage) -> None:
        async def trickle(peer: Peer) -> None:
            for byte in (await peer.hear()).replace(b"echo", b"ok"):
                await peer.say(bytes([byte]))
                await asyncio.sleep(0)

        stage.serve(stage.listen(), trickle)
        load = stage.add_load(clients=2, operations=6)
        await run(stage)
        assert (load.tally.done, load.tally.failed) == (6, 0)

    play(script)


async def stall(peer: Peer) -> None:
    """Half an answer, and no more."""
    await peer.hear()
    await peer.say(b"ok")
    await peer.hear()


def test_an_operation_that_takes_too_long_fails(play: Play) -> None:
    async def script(stage: Stage) -> None:
        stage.serve(stage.listen(), stall)
        load = stage.add_load(clients=2, operations=2, within=0.05)
        await run(stage)
        assert [failure.cause for failure in load.tally.failures] == [Cause.LATE] * 2
        assert all(failure.ended - failure.began > 0.05 for failure in load.tally.failures)

    play(script)


def test_an_operation_that_takes_too_long_tells_what_came(play: Play) -> None:
    async def script(stage: Stage) -> None:
        stage.serve(stage.listen(), stall)
        load = stage.add_load(clients=1, operations=1)
        await stage.perform(Background(HERE, of=LOAD))
        (caller,) = load._callers
        while not caller._got:
            await asyncio.sleep(0)
        caller.check_limit(0.0)
        await stage.perform(Wait(HERE, of=LOAD, within=GENEROUS))
        assert causes(load) == [(Cause.LATE, "'ok' came")]

    play(script)


def test_an_operation_that_is_not_accepted_in_time_fails(play: Play) -> None:
    async def script(stage: Stage) -> None:
        listener = stage.listen("unix", backlog=0)
        load = stage.add_load(clients=3, operations=3, within=0.05)
        await run(stage)
        assert (Cause.LATE, "not accepted") in causes(load)
        assert not listener.peers

    play(script)


def test_a_time_limit_is_stretched_by_the_time_scale(play: Callable[..., None]) -> None:
    async def script(stage: Stage) -> None:
        async def slowly(peer: Peer) -> None:
            line = await peer.hear()
            await asyncio.sleep(0.1)
            await peer.say(line.replace(b"echo", b"ok"))

        stage.serve(stage.listen(), slowly)
        load = stage.add_load(clients=1, operations=1, within=0.05)
        await run(stage)
        assert load.tally.failed == 0

    play(script, time_scale=1000)


def test_a_kept_connection_that_ends_in_good_order_is_opened_again(play: Play) -> None:
    async def script(stage: Stage) -> None:
        async def three_answers(peer: Peer) -> None:
            for _ in range(3):
                await peer.say((await peer.hear()).replace(b"echo", b"ok"))

        listener = stage.listen()
        stage.serve(listener, three_answers)
        load = stage.add_load(clients=2, operations=12, connections=Connections.KEPT, pause=0.02)
        await run(stage)
        assert causes(load) == []
        assert len(listener.peers) >= 4

    play(script)


def test_a_kept_connection_that_is_reset_between_two_operations_is_a_failure(play: Play) -> None:
    async def script(stage: Stage) -> None:
        async def one_answer(peer: Peer) -> None:
            await peer.say((await peer.hear()).replace(b"echo", b"ok"))
            while not load.tally.done:
                await asyncio.sleep(0)
            peer.reset()

        stage.serve(stage.listen(), one_answer)
        load = stage.add_load(clients=1, operations=2, connections=Connections.KEPT, pause=1000.0)
        await stage.perform(Background(HERE, of=LOAD))
        (caller,) = load._callers
        while caller._error is None:
            await asyncio.sleep(0)
        caller.cancel()  # its pause, in which that came
        await stage.perform(Cancel(HERE, of=LOAD, within=GENEROUS))
        assert causes(load) == [(Cause.RESET, "between two operations")]

    play(script)


def test_a_kept_connection_that_ends_with_the_answer_is_opened_again(play: Play) -> None:
    async def script(stage: Stage) -> None:
        async def one_answer(peer: Peer) -> None:
            await peer.say((await peer.hear()).replace(b"echo", b"ok"))
            peer.close()

        listener = stage.listen()
        stage.serve(listener, one_answer)
        load = stage.add_load(clients=1, operations=20, connections=Connections.KEPT)
        await run(stage)
        assert causes(load) == []
        assert len(listener.peers) == 20

    play(script)


def test_a_kept_connection_that_is_reset_with_the_answer_is_a_failure(play: Play) -> None:
    async def script(stage: Stage) -> None:
        async def one_answer(peer: Peer) -> None:
            await peer.say((await peer.hear()).replace(b"echo", b"ok"))
            peer.reset()

        stage.serve(stage.listen(), one_answer)
        load = stage.add_load(clients=1, operations=2, connections=Connections.KEPT)
        await run(stage)
        assert causes(load) == [(Cause.RESET, "between two operations")]

    play(script)


def test_a_flood_between_two_operations_spoils_the_next(play: Play) -> None:
    async def script(stage: Stage) -> None:
        async def flood(peer: Peer) -> None:
            await peer.say((await peer.hear()).replace(b"echo", b"ok"))
            while True:
                await peer.say(b"x" * 65536)

        stage.serve(stage.listen(), flood)
        load = stage.add_load(clients=1, operations=2, connections=Connections.KEPT, pause=0.2)
        await run(stage)
        ((cause, detail),) = causes(load)
        assert cause is Cause.WRONG
        assert detail.startswith("a line of more than 64 KiB, 'xxx")

    play(script)


def test_answers_that_come_before_they_are_asked_for_are_looked_at_in_turn(play: Play) -> None:
    async def script(stage: Stage) -> None:
        async def ahead(peer: Peer) -> None:
            await peer.hear()
            await peer.say(b"".join(b"ok %d\n" % number for number in range(1, 3001)))
            while await peer.hear():
                pass

        stage.serve(stage.listen(), ahead)
        load = stage.add_load(clients=1, operations=3000, connections=Connections.KEPT)
        await run(stage)
        assert (load.tally.done, load.tally.failed) == (3000, 0)

    play(script)


def test_a_socket_that_cannot_be_dialled_fails_the_operation(play: Play) -> None:
    async def script(stage: Stage) -> None:
        stage.daemon.address = f"unix:{'x' * 200}"
        load = stage.add_load(clients=1, operations=1)
        await run(stage)
        assert causes(load) == [(Cause.BROKEN, "connect: OSError")]

    play(script)


def test_many_clients_run_at_once(play: Play, echo: Handler) -> None:
    async def script(stage: Stage) -> None:
        listener = stage.listen(backlog=1000)
        stage.serve(listener, echo)
        load = stage.add_load(clients=200, operations=1000, connections=Connections.KEPT)
        await run(stage)
        assert (load.tally.done, load.tally.failed) == (1000, 0)
        assert len(listener.peers) == 200

    play(script)


def test_a_second_answer_spoils_the_next_operation(play: Play) -> None:
    async def script(stage: Stage) -> None:
        async def twice(peer: Peer) -> None:
            while line := await peer.hear():
                await peer.say(line.replace(b"echo", b"ok") * 2)

        stage.serve(stage.listen(), twice)
        load = stage.add_load(clients=1, operations=2, connections=Connections.KEPT)
        await run(stage)
        assert causes(load) == [(Cause.WRONG, "got 'ok 1', expected 'ok 2'")]

    play(script)


def test_a_large_request_is_sent_in_pieces(play: Play) -> None:
    async def script(stage: Stage) -> None:
        async def count(peer: Peer) -> None:
            while line := await peer.hear():
                await peer.say(b"ok %d\n" % len(line))

        stage.serve(stage.listen(), count)
        size = 5_000_000
        load = stage.add_load(
            clients=2, operations=4, send=stage.text("x" * size), expect=stage.equals(f"ok {size + 1}")
        )
        await run(stage)
        assert causes(load) == []

    play(script)


def test_a_unix_socket_with_a_full_backlog_is_tried_again(play: Play, echo: Handler) -> None:
    async def script(stage: Stage) -> None:
        stage.serve(stage.listen("unix", backlog=0), echo)
        load = stage.add_load(clients=20, operations=200)
        await run(stage)
        assert (load.tally.done, load.tally.failed) == (200, 0)

    play(script)


def test_the_address_is_looked_up_for_every_connection(play: Play, echo: Handler) -> None:
    async def script(stage: Stage) -> None:
        stage.serve(stage.listen(), echo)
        load = stage.add_load(clients=1)
        await stage.perform(Background(HERE, of=LOAD))
        await eventually(stage, done=5)
        second = stage.listen()
        stage.serve(second, echo)
        while len(second.peers) < 5:
            await asyncio.sleep(0)
        await stage.perform(Cancel(HERE, of=LOAD, within=GENEROUS))
        assert load.tally.failed == 0

    play(script)


def test_a_daemon_without_an_address_fails_the_operations_meanwhile(play: Play, echo: Handler) -> None:
    async def script(stage: Stage) -> None:
        stage.serve(stage.listen(), echo)
        load = stage.add_load(clients=1)
        await stage.perform(Background(HERE, of=LOAD))
        address, stage.daemon.address = stage.daemon.address, None
        await stage.perform(Eventually(HERE, of=LOAD, failed=AtLeast(1), within=GENEROUS))
        stage.daemon.address = address
        await stage.perform(Cancel(HERE, of=LOAD, within=GENEROUS))
        assert load.tally.failures[0].cause is Cause.BROKEN
        assert "d has not reported before_start" in load.tally.failures[0].detail

    play(script)


def test_a_load_cannot_begin_without_an_address(play: Play) -> None:
    async def script(stage: Stage) -> None:
        stage.add_load()
        failure = await stage.failure(Background(HERE, of=LOAD))
        assert "d has not reported before_start" in failure.message

    play(script)


def test_failures_are_recorded_up_to_a_hundred(play: Play) -> None:
    async def script(stage: Stage) -> None:
        stage.listen().close()
        load = stage.add_load(clients=20, operations=300)
        await run(stage)
        assert load.tally.failed == 300
        operations = moments(stage, What.OPERATION)
        assert len(operations) == 100
        assert operations[0] == "load#1: operation 1: connection refused"
        assert "load: more than 100 failures: the rest is only counted" in moments(stage, What.NOTE)

    play(script)


def test_the_first_failure_is_told_with_its_mark_and_its_moment(play: Play, echo: Handler) -> None:
    async def script(stage: Stage) -> None:
        listener = stage.listen()
        stage.serve(listener, echo)
        load = stage.add_load(clients=1, connections=Connections.EACH)
        await stage.perform(Background(Location("a.yaml", 25, 5), of=LOAD, as_name="begun"))
        await eventually(stage, done=5)
        stage.shut(listener)
        await stage.perform(Eventually(HERE, of=LOAD, failed=AtLeast(1), within=GENEROUS))
        await stage.perform(Cancel(HERE, of=LOAD, within=GENEROUS))
        first = load.tally.failures[0]
        failure = await stage.failure(Check(HERE, of=LOAD, failed=NONE))
        when = _milliseconds(first.ended - stage.world.timeline.marks["begun"].at)
        assert failure.message == (
            f"{load.tally.failed} of {load.tally.done} operations failed: load#1 operation {first.number},"
            f" {first.cause}{f' ({first.detail})' if first.detail else ''}, {when} after begun (line 25)"
        )
        assert failure.location == Location("a.yaml", 9, 13)
        assert failure.since == "begun"
        assert failure.moment is not None
        assert stage.world.timeline.moments[failure.moment].actor == "load#1"

    play(script)


def test_fewer_failures_than_expected_are_told_too(play: Play, echo: Handler) -> None:
    async def script(stage: Stage) -> None:
        stage.serve(stage.listen(), echo)
        stage.add_load(operations=10)
        await run(stage)
        failure = await stage.failure(Check(HERE, of=LOAD, failed=AtLeast(1)))
        assert failure.message == "0 of 10 operations failed, expected at least 1"
        failure = await stage.failure(Check(HERE, of=LOAD, done=AtLeast(11)))
        assert failure.message == "operations that ended: got 10, expected at least 11"

    play(script)


def test_a_gap_is_told_from_the_mark(play: Play, echo: Handler) -> None:
    async def script(stage: Stage) -> None:
        listener = stage.listen("unix")
        stage.serve(listener, echo)
        load = stage.add_load(clients=2)
        await stage.perform(Background(Location("a.yaml", 25, 5), of=LOAD, as_name="begun"))
        await eventually(stage, done=20)
        begun = Name(("begun",), HERE)
        await stage.perform(Check(HERE, of=LOAD, longest_gap=Gap(under=GENEROUS, since=begun)))
        stage.shut(listener)
        await asyncio.sleep(1)  # the gap that is measured; longer than any that a busy machine makes beside it
        stage.serve(stage.listen("unix"), echo)
        await eventually(stage, done=load.tally.done + load.tally.failed + 20)
        await stage.perform(Cancel(HERE, of=LOAD, within=GENEROUS))
        failure = await stage.failure(Check(HERE, of=LOAD, longest_gap=Gap(under=Duration(0.5), since=begun)))
        assert failure.message.startswith("no operation succeeded for ")
        assert failure.message.endswith(" after begun (line 25), expected under 500ms")
        assert failure.since == "begun"
        assert failure.moment is not None

    play(script)


def test_a_gap_after_a_load_has_ended_cannot_be_seen(play: Play, echo: Handler) -> None:
    async def script(stage: Stage) -> None:
        stage.serve(stage.listen(), echo)
        stage.add_load(operations=5)
        await run(stage)
        await stage.perform(Wait(HERE, of=LOAD, as_name="late"))
        late = Name(("late",), HERE)
        failure = await stage.failure(Check(HERE, of=LOAD, longest_gap=Gap(under=GENEROUS, since=late)))
        assert failure.message == "load had ended before late, so no gap can be seen after it"

    play(script)


def test_nothing_done_is_nothing_checked(play: Play) -> None:
    async def script(stage: Stage) -> None:
        stage.listen()
        stage.add_load(clients=1)
        await stage.perform(Background(HERE, of=LOAD))
        failure = await stage.failure(Check(HERE, of=LOAD, failed=NONE))
        assert failure.message == "no operation of load has ended, so there is nothing to check"
        await stage.perform(Check(HERE, of=LOAD, failed=NONE, done=Under(1)))

    play(script)


@pytest.mark.parametrize("step", [Wait(HERE, of=LOAD), Cancel(HERE, of=LOAD), Check(HERE, of=LOAD, failed=NONE)])
def test_a_load_that_has_not_begun_cannot_be_asked(play: Play, step: Wait | Cancel | Check) -> None:
    async def script(stage: Stage) -> None:
        stage.add_load()
        with pytest.raises(StepErroredError, match="load has not begun"):
            await stage.perform(step)

    play(script)


def test_a_load_that_never_ends_is_not_waited_for(play: Play, echo: Handler) -> None:
    async def script(stage: Stage) -> None:
        stage.serve(stage.listen(), echo)
        stage.add_load()
        await stage.perform(Background(HERE, of=LOAD))
        with pytest.raises(StepErroredError, match="it ends by a cancel step only"):
            await stage.perform(Wait(HERE, of=LOAD))

    play(script)


def test_a_load_runs_once_at_a_time_and_counts_anew(play: Play, echo: Handler) -> None:
    async def script(stage: Stage) -> None:
        stage.serve(stage.listen(), echo)
        load = stage.add_load(operations=10)
        await stage.perform(Background(HERE, of=LOAD))
        with pytest.raises(StepErroredError, match="load runs already"):
            await stage.perform(Background(HERE, of=LOAD))
        await stage.perform(Wait(HERE, of=LOAD, within=GENEROUS))
        await run(stage)
        assert load.tally.done == 10

    play(script)


def test_a_load_that_is_let_go_leaves_nothing(play: Play, echo: Handler) -> None:
    async def script(stage: Stage) -> None:
        stage.serve(stage.listen(), echo)
        load = stage.add_load(clients=50)
        await stage.perform(Background(HERE, of=LOAD))
        await eventually(stage, done=100)
        await load.release()
        done = load.tally.done
        await asyncio.sleep(0.05)
        assert load.tally.done == done
        with pytest.raises(StepFailedError, match="operations that ended"):
            await stage.perform(Check(HERE, of=LOAD, done=Under(done)))

    play(script)


def test_references_in_a_line_are_resolved_when_the_load_begins(play: Play, echo: Handler) -> None:
    async def script(stage: Stage) -> None:
        stage.serve(stage.listen(), echo)
        workspace, number = Reference(("workspace",), HERE), Reference(("n",), HERE)
        load = stage.add_load(
            operations=12,
            send=stage.text("echo ", workspace, number, number),
            expect=Equals(Scalar(stage.text("ok ", workspace, number, number), "")),
        )
        await run(stage)
        assert load.tally.failed == 0
        assert load.request(12) == f"echo {stage.workspace}1212\n".encode()

    play(script)


def test_who_has_answered_is_told_by_the_answers(play: Play) -> None:
    async def script(stage: Stage) -> None:
        async def served(peer: Peer) -> None:
            pid = 100 + len(listener.peers) % 2
            await peer.hear()
            await peer.say(b"ok %d\n" % pid)

        listener = stage.listen()
        stage.serve(listener, served)
        load = stage.add_load(clients=1, operations=10, send=stage.text("pid"), expect=A_PID)
        await run(stage)
        assert load.published("served_by") == [100, 101]
        await stage.perform(Check(HERE, of=LOAD, failed=NONE, served_by=Length(AtLeast(2))))
        failure = await stage.failure(Check(HERE, of=LOAD, served_by=Length(AtLeast(3))))
        assert failure.message == ("the processes that have answered: length of [100, 101]: got 2, expected at least 3")

    play(script)


def test_a_matcher_is_asked_about_every_answer(play: Play, echo: Handler) -> None:
    async def script(stage: Stage) -> None:
        stage.serve(stage.listen(), echo)
        load = stage.add_load(clients=1, operations=2, send=stage.text("echo x"), expect=A_PID)
        await run(stage)
        assert causes(load) == [(Cause.WRONG, r"got 'ok x', expected a match of /^ok \d+$/")] * 2

    play(script)


def test_a_failure_on_a_kept_connection_names_who_had_served_it(play: Play) -> None:
    async def script(stage: Stage) -> None:
        async def once(peer: Peer) -> None:
            await peer.hear()
            await peer.say(b"ok 4711\n")
            await peer.hear()

        stage.serve(stage.listen(), once)
        load = stage.add_load(
            clients=1, operations=2, send=stage.text("pid"), expect=A_PID, connections=Connections.KEPT
        )
        await run(stage)
        assert load.tally.failures[0].reason == "connection closed early (nothing came, last served by 4711)"
        failure = await stage.failure(Check(HERE, of=LOAD, failed=NONE))
        assert "operation 2, connection closed early (nothing came, last served by 4711), " in failure.message

    play(script)


def test_answers_without_a_pid_cannot_tell_who_has_answered(play: Play, echo: Handler) -> None:
    async def script(stage: Stage) -> None:
        stage.serve(stage.listen(), echo)
        stage.add_load(operations=2, send=stage.text("echo x"), expect=Matches(Pattern("x")))
        await run(stage)
        failure = await stage.failure(Check(HERE, of=LOAD, served_by=Length(AtLeast(1))))
        assert failure.message == "no answer that load got tells a pid: `ok PID`"

    play(script)


def test_a_known_answer_tells_nothing_about_who_gave_it(play: Play, echo: Handler) -> None:
    async def script(stage: Stage) -> None:
        stage.serve(stage.listen(), echo)
        stage.add_load(operations=2)
        await run(stage)
        with pytest.raises(StepErroredError, match="expects one known text"):
            await stage.perform(Check(HERE, of=LOAD, served_by=Length(AtLeast(1))))

    play(script)


def test_latencies_are_checked(play: Play) -> None:
    async def script(stage: Stage) -> None:
        async def slow_once(peer: Peer) -> None:
            line = await peer.hear()
            if line == b"echo 1\n":
                await asyncio.sleep(0.1)
            await peer.say(line.replace(b"echo", b"ok"))

        stage.serve(stage.listen(), slow_once)
        stage.add_load(clients=2, operations=50)
        await run(stage)
        span = Duration(0.1)
        await stage.perform(
            Check(HERE, of=LOAD, latency=Latency(p50=Under(GENEROUS), p99=Under(GENEROUS), max=AtLeast(span)))
        )
        failure = await stage.failure(Check(HERE, of=LOAD, latency=Latency(max=Under(span))))
        assert failure.message.startswith("the longest latency: got ")
        assert failure.message.endswith(", expected under 100ms")
        failure = await stage.failure(Check(HERE, of=LOAD, latency=Latency(p90=AtLeast(GENEROUS))))
        assert failure.message.startswith("the latency that 90 % did not exceed: got ")

    play(script)


def test_without_a_success_there_is_no_latency(play: Play) -> None:
    async def script(stage: Stage) -> None:
        stage.listen().close()
        stage.add_load(operations=2)
        await run(stage)
        failure = await stage.failure(Check(HERE, of=LOAD, latency=Latency(p50=Under(GENEROUS))))
        assert failure.message == "no operation of load has succeeded, so there is no latency"

    play(script)
