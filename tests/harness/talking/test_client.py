"""A client's steps, against peers that answer, refuse, end, reset, trickle and flood."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from harness.engine.actors.lines import LONGEST_LINE
from harness.engine.verdicts import StepErroredError, StepFailedError
from harness.model.actors import Reads
from harness.model.matchers import AtLeast, Contains, Under
from harness.model.source import Location
from harness.model.steps import Close, Closing, Connect, Connected, End, Expect, Send, Step, Talk
from harness.model.timeline import What
from harness.model.values import Duration, Name, Reference

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.talking.conftest import Script, Stage

    Play = Callable[[Script], None]

HERE = Location("a.yaml", 1, 1)
C = Name(("c",), HERE)
GENEROUS = Duration(60.0)
SHORT = Duration(0.1)
KINDS = pytest.mark.parametrize("kind", ["127.0.0.1", "::1", "unix"])


def moments(stage: Stage, what: What) -> list[str]:
    return [moment.text for moment in stage.world.timeline.moments if moment.what is what]


@KINDS
def test_a_client_talks_over_every_transport(play: Play, kind: str) -> None:
    async def script(stage: Stage) -> None:
        peer = await stage.connected(stage.listen(kind))
        step = Talk(HERE, of=C, send=stage.text("echo one"), expect=stage.equals("ok one"), within=GENEROUS)
        task = asyncio.create_task(stage.perform(step))
        assert await peer.hear() == b"echo one\n"
        await peer.say(b"ok one\n")
        given = await task
        assert given is not None
        assert (given.whole, given.fields) == ("ok one", {"text": "ok one", "value": "one"})
        assert moments(stage, What.SENT) == [r"'echo one\n'"]
        assert moments(stage, What.RECEIVED) == ["'ok one'"]

    play(script)


@KINDS
def test_a_connect_that_nobody_listens_for_is_refused(play: Play, kind: str) -> None:
    async def script(stage: Stage) -> None:
        stage.listen(kind).close()
        await stage.perform(Connect(HERE, of=C, expect=Connected.REFUSED, within=GENEROUS))
        failure = await stage.failure(Connect(HERE, of=C, within=GENEROUS))
        assert failure.message == f"c was refused at {stage.daemon.address} (ECONNREFUSED), expected to be accepted"
        assert failure.moment is not None
        assert stage.world.timeline.moments[failure.moment].text == f"connect to {stage.daemon.address}: ECONNREFUSED"

    play(script)


def test_a_socket_file_that_is_not_there_is_refused_too(play: Play) -> None:
    async def script(stage: Stage) -> None:
        stage.daemon.address = f"unix:{stage.workspace}/gone"
        await stage.perform(Connect(HERE, of=C, expect=Connected.REFUSED, within=GENEROUS))

    play(script)


@KINDS
def test_being_accepted_where_refused_was_expected_fails(play: Play, kind: str) -> None:
    async def script(stage: Stage) -> None:
        stage.listen(kind)
        failure = await stage.failure(Connect(HERE, of=C, expect=Connected.REFUSED, within=GENEROUS))
        assert failure.message == "c was accepted, expected to be refused"

    play(script)


def test_a_refused_connect_says_how_the_daemon_died(play: Play) -> None:
    async def script(stage: Stage) -> None:
        stage.listen().close()
        stage.daemon.death = "d exited with status 3"
        failure = await stage.failure(Connect(HERE, of=C, within=GENEROUS))
        assert failure.message.endswith("expected to be accepted; d exited with status 3")

    play(script)


def test_a_daemon_that_has_reported_no_address_fails_the_connect(play: Play) -> None:
    async def script(stage: Stage) -> None:
        failure = await stage.failure(Connect(HERE, of=C, within=GENEROUS))
        assert "d has not reported before_start" in failure.message

    play(script)


def test_the_address_is_looked_up_at_every_connect(play: Play) -> None:
    async def script(stage: Stage) -> None:
        first = stage.listen()
        await stage.connected(first)
        await stage.perform(Close(HERE, of=C))
        first.close()
        await stage.connected(stage.listen())

    play(script)


def test_a_client_of_an_address_connects_there_and_knows_whose_it_is(play: Play) -> None:
    async def script(stage: Stage) -> None:
        listener = stage.listen()
        to = Reference(("d", "address"), HERE)
        client = stage.add_client("e")
        object.__setattr__(client._model, "to", stage.text(to))
        await stage.connected(listener, "e")
        stage.daemon.death = "d exited with status 3"
        assert client.peer_obituary() == "d exited with status 3"

    play(script)


def test_a_full_backlog_of_a_unix_socket_is_waited_for(play: Play) -> None:
    async def script(stage: Stage) -> None:
        listener = stage.listen("unix", backlog=0)
        clients = ["c", "e", "f"]
        stage.add_client("e")
        stage.add_client("f")
        tasks = [
            asyncio.create_task(stage.perform(Connect(HERE, of=Name((name,), HERE), within=GENEROUS)))
            for name in clients
        ]
        done, pending = await asyncio.wait(tasks, timeout=0.05)
        assert len(done) < len(clients)
        for _ in clients:
            await listener.accept()
        await asyncio.gather(*done, *pending)

    play(script)


def test_a_full_backlog_fails_the_connect_at_its_limit(play: Play) -> None:
    async def script(stage: Stage) -> None:
        stage.listen("unix", backlog=0)
        stage.add_client("e")
        await stage.perform(Connect(HERE, of=C, within=GENEROUS))
        failure = await stage.failure(Connect(HERE, of=Name(("e",), HERE), within=SHORT))
        assert failure.message == f"no place in the backlog of {stage.daemon.address} within 100ms"

    play(script)


def test_two_connects_in_a_row_are_the_scenarios_mistake(play: Play) -> None:
    async def script(stage: Stage) -> None:
        await stage.connected(stage.listen())
        with pytest.raises(StepErroredError, match="c is connected already"):
            await stage.perform(Connect(HERE, of=C, within=GENEROUS))

    play(script)


def test_a_client_connects_again_when_the_peer_has_ended_the_connection(play: Play) -> None:
    async def script(stage: Stage) -> None:
        listener = stage.listen()
        peer = await stage.connected(listener)
        peer.close()
        await stage.perform(Expect(HERE, of=C, end=End.CLOSED, within=GENEROUS))
        await stage.connected(listener)

    play(script)


@pytest.mark.parametrize("verb", ["close", "send", "expect", "talk"])
def test_nothing_can_be_done_without_a_connection(play: Play, verb: str) -> None:
    async def script(stage: Stage) -> None:
        steps: dict[str, Step] = {
            "close": Close(HERE, of=C),
            "send": Send(HERE, of=C, line=stage.text("x")),
            "expect": Expect(HERE, of=C, end=End.ANY),
            "talk": Talk(HERE, of=C, send=stage.text("x")),
        }
        with pytest.raises(StepErroredError, match="c is not connected"):
            await stage.perform(steps[verb])

    play(script)


def test_another_answer_fails_with_both_and_its_moment(play: Play) -> None:
    async def script(stage: Stage) -> None:
        peer = await stage.connected(stage.listen())
        await peer.say(b"ok two\n")
        failure = await stage.failure(Expect(HERE, of=C, line=stage.equals("ok one"), within=GENEROUS))
        assert failure.message == "got 'ok two', expected 'ok one'"
        assert failure.moment is not None
        assert stage.world.timeline.moments[failure.moment].text == "'ok two'"

    play(script)


def test_lines_are_expected_in_the_order_in_which_they_came(play: Play) -> None:
    async def script(stage: Stage) -> None:
        peer = await stage.connected(stage.listen())
        await peer.say(b"one\ntwo\nthr")
        await stage.perform(Expect(HERE, of=C, line=stage.equals("one"), within=GENEROUS))
        await stage.perform(Expect(HERE, of=C, line=stage.equals("two"), within=GENEROUS))
        task = asyncio.create_task(stage.perform(Expect(HERE, of=C, line=stage.equals("three"), within=GENEROUS)))
        await peer.say(b"ee\n")
        await task

    play(script)


def test_a_line_that_does_not_come_fails_at_the_limit_with_what_came(play: Play) -> None:
    async def script(stage: Stage) -> None:
        peer = await stage.connected(stage.listen())
        await peer.say(b"ok on")
        failure = await stage.failure(Expect(HERE, of=C, line=stage.equals("ok one"), within=SHORT))
        assert failure.message == "no line came to c (expected 'ok one') within 100ms: 'ok on' came, and no end of line"

    play(script)


@pytest.mark.parametrize(("end", "how"), [("close", "closed by the peer"), ("reset", "reset by the peer")])
def test_a_peer_that_ends_instead_of_answering_fails_at_once(play: Play, end: str, how: str) -> None:
    async def script(stage: Stage) -> None:
        peer = await stage.connected(stage.listen())
        step = Talk(HERE, of=C, send=stage.text("echo one"), expect=stage.equals("ok one"), within=GENEROUS)
        task = asyncio.create_task(stage.failure(step))
        await peer.hear()
        stage.daemon.death = "d was killed by KILL"
        peer.close() if end == "close" else peer.reset()
        failure = await task
        assert failure.message == (
            f"the connection of c was {how} before a line came, expected 'ok one'; d was killed by KILL"
        )

    play(script)


def test_a_peer_that_ends_in_the_middle_of_a_line_fails_with_what_came(play: Play) -> None:
    async def script(stage: Stage) -> None:
        peer = await stage.connected(stage.listen())
        await peer.say(b"ok \xff")
        peer.close()
        failure = await stage.failure(Expect(HERE, of=C, line=stage.equals("ok one"), within=GENEROUS))
        assert failure.message == (
            r"the connection of c was closed by the peer after 'ok \\xff' and before a newline, expected 'ok one'"
        )

    play(script)


def test_a_death_that_is_known_a_moment_after_the_end_is_told(play: Play) -> None:
    async def script(stage: Stage) -> None:
        peer = await stage.connected(stage.listen())
        task = asyncio.create_task(stage.failure(Expect(HERE, of=C, line=stage.equals("x"), within=GENEROUS)))
        peer.close()
        while not moments(stage, What.CLOSED):
            await asyncio.sleep(0)
        assert not task.done()
        stage.daemon.death = "d exited with status 1"
        stage.world.timeline.record("d", What.DEATH, "exited with status 1")
        assert (await task).message.endswith("; d exited with status 1")

    play(script)


def test_a_line_longer_than_the_limit_fails_and_is_shown_short(play: Play) -> None:
    async def script(stage: Stage) -> None:
        peer = await stage.connected(stage.listen())
        await peer.say(b"x" * 3 * LONGEST_LINE + b"\nnext\n")
        failure = await stage.failure(Expect(HERE, of=C, line=stage.equals("ok"), within=GENEROUS))
        assert failure.message.startswith("got a line of more than 64 KiB, 'xxx")
        assert len(failure.message) < 250
        await stage.perform(Expect(HERE, of=C, line=stage.equals("next"), within=GENEROUS))

    play(script)


@pytest.mark.parametrize(("end", "expected"), [("close", End.CLOSED), ("reset", End.RESET)])
def test_an_end_is_expected_as_it_is(play: Play, end: str, expected: End) -> None:
    async def script(stage: Stage) -> None:
        listener = stage.listen()
        for wanted in (expected, End.ANY):
            peer = await stage.connected(listener)
            peer.close() if end == "close" else peer.reset()
            given = await stage.perform(Expect(HERE, of=C, end=wanted, within=GENEROUS))
            assert given is not None
            assert given.fields == {"end": str(expected)}

    play(script)


def test_the_other_end_fails(play: Play) -> None:
    async def script(stage: Stage) -> None:
        peer = await stage.connected(stage.listen())
        peer.reset()
        failure = await stage.failure(Expect(HERE, of=C, end=End.CLOSED, within=GENEROUS))
        assert failure.message == "the connection of c was reset by the peer, expected it to be closed"

    play(script)


def test_a_line_before_the_expected_end_fails(play: Play) -> None:
    async def script(stage: Stage) -> None:
        peer = await stage.connected(stage.listen())
        await peer.say(b"more\n")
        peer.close()
        failure = await stage.failure(Expect(HERE, of=C, end=End.CLOSED, within=GENEROUS))
        assert failure.message == "got 'more', expected nothing but the end of the connection"

    play(script)


def test_a_line_and_then_the_end_are_expected_in_one_step(play: Play) -> None:
    async def script(stage: Stage) -> None:
        peer = await stage.connected(stage.listen())
        await peer.say(b"bye\n")
        peer.close()
        await stage.perform(Expect(HERE, of=C, line=stage.equals("bye"), end=End.CLOSED, within=GENEROUS))

    play(script)


def test_an_end_that_does_not_come_fails_at_the_limit(play: Play) -> None:
    async def script(stage: Stage) -> None:
        await stage.connected(stage.listen())
        failure = await stage.failure(Expect(HERE, of=C, end=End.ANY, within=SHORT))
        assert failure.message == "no end of the connection of c within 100ms"

    play(script)


def test_half_a_close_ends_one_direction_only(play: Play) -> None:
    async def script(stage: Stage) -> None:
        peer = await stage.connected(stage.listen())
        await stage.perform(Close(HERE, of=C, how=Closing.WRITE))
        assert await peer.hear() == b""
        await peer.say(b"still here\n")
        await stage.perform(Expect(HERE, of=C, line=stage.equals("still here"), within=GENEROUS))
        failure = await stage.failure(Send(HERE, of=C, line=stage.text("x"), within=GENEROUS))
        assert failure.message == "c could not send (EPIPE)"

    play(script)


@KINDS
def test_a_close_ends_both_directions(play: Play, kind: str) -> None:
    async def script(stage: Stage) -> None:
        peer = await stage.connected(stage.listen(kind))
        await stage.perform(Close(HERE, of=C))
        assert await peer.hear() == b""
        assert moments(stage, What.CLOSED) == ["closed"]

    play(script)


def test_a_reset_reaches_the_peer_as_a_reset(play: Play) -> None:
    async def script(stage: Stage) -> None:
        peer = await stage.connected(stage.listen())
        await stage.perform(Close(HERE, of=C, how=Closing.RESET))
        with pytest.raises(ConnectionResetError):
            await peer.hear()

    play(script)


def test_a_unix_socket_cannot_be_reset(play: Play) -> None:
    async def script(stage: Stage) -> None:
        await stage.connected(stage.listen("unix"))
        with pytest.raises(StepErroredError, match="knows no reset"):
            await stage.perform(Close(HERE, of=C, how=Closing.RESET))

    play(script)


def test_text_is_sent_as_it_is(play: Play) -> None:
    async def script(stage: Stage) -> None:
        peer = await stage.connected(stage.listen())
        await stage.perform(Send(HERE, of=C, text=stage.text("no end \x00é"), within=GENEROUS))
        await stage.perform(Close(HERE, of=C))
        assert await peer.hear() == "no end \x00é".encode()

    play(script)


def test_a_peer_that_does_not_read_fails_a_large_send_at_its_limit(play: Play) -> None:
    async def script(stage: Stage) -> None:
        await stage.connected(stage.listen())
        failure = await stage.failure(Send(HERE, of=C, line=stage.text("x" * 50_000_000), within=SHORT))
        assert failure.message.startswith("no room for what c sends within 100ms: its peer does not read, ")

    play(script)


def test_a_large_send_goes_as_fast_as_the_peer_reads(play: Play) -> None:
    async def script(stage: Stage) -> None:
        peer = await stage.connected(stage.listen())
        task = asyncio.create_task(stage.perform(Send(HERE, of=C, line=stage.text("x" * 20_000_000), within=GENEROUS)))
        assert len(await peer.hear()) == 20_000_001
        await task

    play(script)


def test_a_send_to_a_peer_that_has_reset_says_so(play: Play) -> None:
    async def script(stage: Stage) -> None:
        peer = await stage.connected(stage.listen())
        await peer.say(b"last words\n")
        peer.reset()
        failure = await stage.failure(Send(HERE, of=C, line=stage.text("x"), within=GENEROUS))
        assert failure.message == "c could not send (ECONNRESET): the connection was reset by the peer"
        await stage.perform(Expect(HERE, of=C, line=stage.equals("last words"), end=End.RESET, within=GENEROUS))

    play(script)


def test_a_flood_that_nobody_reads_is_held_back(play: Play) -> None:
    async def script(stage: Stage) -> None:
        peer = await stage.connected(stage.listen())
        flood = asyncio.create_task(peer.say(b"x\n" * 30_000_000))
        done, _ = await asyncio.wait((flood,), timeout=0.5)
        assert not done
        assert len(stage.world.timeline.moments) < 50_000
        for _ in range(7_000):
            await stage.perform(Expect(HERE, of=C, line=stage.equals("x"), within=GENEROUS))
        flood.cancel()
        await asyncio.wait((flood,))
        assert len(stage.world.timeline.moments) < 50_000

    play(script)


def test_a_client_that_reads_when_asked_holds_the_peer_back(play: Play) -> None:
    async def script(stage: Stage) -> None:
        client = stage.add_client("c", reads=Reads.WHEN_ASKED)
        peer = await stage.connected(stage.listen())
        said = 0
        with suppress(BlockingIOError):
            while True:
                said += peer.sock.send(b"x" * 999 + b"\n")
        assert client.connection.received == 0
        line = stage.equals("x" * 999)
        await stage.perform(Expect(HERE, of=C, line=line, within=GENEROUS))
        taken = client.connection.received
        assert 1000 <= taken < said
        for _ in range(taken // 1000):
            await stage.perform(Expect(HERE, of=C, line=line, within=GENEROUS))
        assert client.connection.received > taken

    play(script)


def test_a_line_that_the_timeline_does_not_show_has_its_time_all_the_same(play: Play) -> None:
    async def script(stage: Stage) -> None:
        peer = await stage.connected(stage.listen())
        for _ in range(6):
            await peer.say(b"x\n" * 1000)
            for _ in range(1000):
                await stage.perform(Expect(HERE, of=C, line=stage.equals("x"), within=GENEROUS))
        before = stage.world.timeline.now()
        assert len(moments(stage, What.RECEIVED)) == 5000
        await asyncio.sleep(0.05)  # the time that is measured
        task = asyncio.create_task(stage.perform(Expect(HERE, of=C, within=GENEROUS)))
        await peer.say(b"late\n")
        assert (await task).mark.at >= before + 0.05

    play(script)


def test_a_host_is_known_by_its_name_too(play: Play) -> None:
    async def script(stage: Stage) -> None:
        listener = stage.listen()
        stage.daemon.address = listener.address.replace("127.0.0.1", "localhost")
        await stage.connected(listener)

    play(script)


def test_a_path_that_no_socket_can_have_is_no_fault_of_the_daemon(play: Play) -> None:
    async def script(stage: Stage) -> None:
        stage.daemon.address = f"unix:{'x' * 200}"
        with pytest.raises(StepErroredError, match="c cannot connect to unix:xxx"):
            await stage.perform(Connect(HERE, of=C, expect=Connected.REFUSED, within=GENEROUS))

    play(script)


def test_half_a_close_after_a_reset_fails(play: Play) -> None:
    async def script(stage: Stage) -> None:
        peer = await stage.connected(stage.listen())
        peer.reset()
        await stage.perform(Expect(HERE, of=C, end=End.RESET, within=GENEROUS))
        failure = await stage.failure(Close(HERE, of=C, how=Closing.WRITE))
        assert failure.message == "the sending half of c cannot be closed: ENOTCONN"

    play(script)


def test_talking_over_a_closed_half_fails_at_once(play: Play) -> None:
    async def script(stage: Stage) -> None:
        await stage.connected(stage.listen())
        await stage.perform(Close(HERE, of=C, how=Closing.WRITE))
        failure = await stage.failure(Talk(HERE, of=C, send=stage.text("x"), within=GENEROUS))
        assert failure.message == "c could not send (EPIPE)"

    play(script)


def test_a_client_of_an_address_that_is_nobodys_tells_no_death(play: Play) -> None:
    async def script(stage: Stage) -> None:
        listener = stage.listen()
        stage.add_client("e", to=listener.address)
        peer = await stage.connected(listener, "e")
        peer.close()
        failure = await stage.failure(Expect(HERE, of=Name(("e",), HERE), within=GENEROUS))
        assert failure.message == "the connection of e was closed by the peer before a line came, expected a line"

    play(script)


def test_elapsed_is_counted_from_the_mark(play: Play) -> None:
    async def script(stage: Stage) -> None:
        listener = stage.listen()
        await stage.perform(Connect(HERE, of=C, within=GENEROUS, as_name="opened"))
        peer = await listener.accept()
        since = Name(("opened",), HERE)
        await asyncio.sleep(0.05)  # the time that is measured
        await peer.say(b"one\ntwo\n")
        await stage.perform(Expect(HERE, of=C, elapsed=AtLeast(Duration(0.05)), since=since, within=GENEROUS))
        failure = await stage.failure(Expect(HERE, of=C, elapsed=Under(Duration(0.05)), since=since, within=GENEROUS))
        assert failure.message.startswith("the time until it came: got ")
        assert failure.message.endswith(", expected under 50ms")
        assert failure.since == "opened"

    play(script)


def test_what_came_before_the_step_has_taken_no_time(play: Play) -> None:
    async def script(stage: Stage) -> None:
        peer = await stage.connected(stage.listen())
        await peer.say(b"one\n")
        while not moments(stage, What.RECEIVED):
            await asyncio.sleep(0)
        await stage.perform(Expect(HERE, of=C, elapsed=Under(Duration(0.000001)), within=GENEROUS))

    play(script)


def test_an_upper_bound_of_elapsed_is_stretched_by_the_time_scale(play: Callable[..., None]) -> None:
    async def script(stage: Stage) -> None:
        peer = await stage.connected(stage.listen())
        task = asyncio.create_task(
            stage.perform(Expect(HERE, of=C, elapsed=Under(Duration(0.05)), within=GENEROUS)),
        )
        await asyncio.sleep(0.1)
        await peer.say(b"one\n")
        await task

    play(script, time_scale=1000)


def test_what_a_client_publishes(play: Play) -> None:
    async def script(stage: Stage) -> None:
        scope = stage.world.scope
        with pytest.raises(StepFailedError, match=r"there is no c\.local: c is not connected"):
            scope.value(Name(("c", "local"), HERE))
        peer = await stage.connected(stage.listen())
        await peer.say(b"four\n")
        await stage.perform(Expect(HERE, of=C, line=Contains(stage.text("our")), within=GENEROUS))
        assert scope.value(Name(("c", "received"), HERE)) == 5
        host, port = peer.sock.getpeername()
        assert scope.value(Name(("c", "local"), HERE)) == f"{host}:{port}"

    play(script)
