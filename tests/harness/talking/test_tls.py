"""A client that speaks TLS: what it trusts, what it says when it does not, and how its connections end."""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import trustme

from harness.engine.verdicts import StepErroredError, StepFailedError
from harness.model.actors import ClientTls
from harness.model.matchers import Contains
from harness.model.steps import Close, Closing, Connect, Connected, End, Expect, Send, Talk
from harness.model.timeline import What
from harness.model.values import Duration, Name, Text
from tests.harness.talking.conftest import GENEROUS, HERE, Listener, Stage

if TYPE_CHECKING:
    from pathlib import Path

Play = Callable[[Callable[[Stage], Awaitable[None]]], None]

SECONDS = 60
SHORT = Duration(0.1)
C = Name(("c",), HERE)
CONNECT = Connect(HERE, of=C, within=GENEROUS)


@dataclass(frozen=True)
class Papers:
    """An authority, and the files that come from it."""

    authority: trustme.CA
    folder: Path

    @property
    def ca(self) -> Text:
        path = self.folder / "ca.pem"
        self.authority.cert_pem.write_to_path(path)
        return Text((str(path),), HERE)

    def own(self, name: str) -> tuple[Text, Text]:
        """The files of a client's certificate and key."""
        issued = self.authority.issue_cert(name)
        issued.cert_chain_pems[0].write_to_path(self.folder / "own.pem")
        issued.private_key_pem.write_to_path(self.folder / "own.key")
        return Text((str(self.folder / "own.pem"),), HERE), Text((str(self.folder / "own.key"),), HERE)

    def context(self, *names: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert(*(names or ("127.0.0.1", "localhost"))).configure_cert(context)
        return context


@pytest.fixture
def papers(tmp_path: Path) -> Papers:
    return Papers(trustme.CA(), tmp_path)


def text(value: str) -> Text:
    return Text((value,), HERE)


async def accept(listener: Listener, context: ssl.SSLContext) -> ssl.SSLSocket:
    """The server's end of the next connection; it blocks, so threads use it, and it minds a missing close_notify."""
    peer = await listener.accept()
    peer.sock.settimeout(SECONDS)
    peer.sock = secure = await asyncio.to_thread(
        context.wrap_socket, peer.sock, server_side=True, suppress_ragged_eofs=False
    )
    return secure


async def connect(stage: Stage, listener: Listener, context: ssl.SSLContext) -> ssl.SSLSocket:
    _, secure = await asyncio.gather(stage.perform(CONNECT), accept(listener, context))
    return secure


async def rejected(stage: Stage, listener: Listener, context: ssl.SSLContext) -> str:
    """The message of the connect that fails, while the server tries its best."""
    failure, _ = await asyncio.gather(stage.failure(CONNECT), accept(listener, context), return_exceptions=True)
    assert isinstance(failure, StepFailedError)
    return failure.message


@pytest.mark.parametrize("kind", ["127.0.0.1", "unix"])
def test_a_client_that_trusts_the_server_talks(play: Play, papers: Papers, kind: str) -> None:
    async def script(stage: Stage) -> None:
        stage.add_client("c", tls=ClientTls(ca=papers.ca, server_name=text("localhost")))
        secure = await connect(stage, stage.listen(kind), papers.context())

        def serve() -> None:
            secure.sendall(b"ok " + secure.recv(100))

        talk = Talk(HERE, of=C, send=text("one"), expect=stage.equals("ok one"), within=GENEROUS)
        await asyncio.gather(stage.perform(talk), asyncio.to_thread(serve))

    play(script)


def test_the_timeline_says_what_was_agreed(play: Play, papers: Papers) -> None:
    async def script(stage: Stage) -> None:
        stage.add_client("c", tls=ClientTls(ca=papers.ca, alpn=(text("http/1.1"),)))
        context = papers.context()
        context.set_alpn_protocols(["http/1.1"])
        await connect(stage, stage.listen(), context)
        (moment,) = [moment for moment in stage.world.timeline.moments if moment.what is What.CONNECTED]
        assert moment.text.endswith(", TLSv1.3 http/1.1")
        assert stage.world.actors["c"].published("protocol") == "http/1.1"

    play(script)


def test_a_protocol_that_the_server_does_not_speak_is_no_agreement(play: Play, papers: Papers) -> None:
    async def script(stage: Stage) -> None:
        stage.add_client("c", tls=ClientTls(ca=papers.ca, alpn=(text("h2"), text("h3"))))
        message = await rejected(stage, stage.listen(), papers.context())
        assert message.endswith(": the peer chose no protocol of h2, h3, expected to be accepted")

    play(script)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (None, "certificate not trusted: IP address mismatch, certificate is not valid for '127.0.0.1'."),
        ("b.test", "certificate not trusted: Hostname mismatch, certificate is not valid for 'b.test'."),
    ],
)
def test_a_certificate_for_somebody_else_is_told(play: Play, papers: Papers, name: str | None, reason: str) -> None:
    async def script(stage: Stage) -> None:
        stage.add_client("c", tls=ClientTls(ca=papers.ca, server_name=None if name is None else text(name)))
        listener = stage.listen()
        message = await rejected(stage, listener, papers.context("a.test"))
        assert message == f"c got no TLS handshake with {listener.address}: {reason}, expected to be accepted"

    play(script)


def test_a_certificate_of_an_unknown_authority_is_told(play: Play, papers: Papers) -> None:
    async def script(stage: Stage) -> None:
        stage.add_client("c", tls=ClientTls())
        assert ": certificate not trusted: " in await rejected(stage, stage.listen(), papers.context())

    play(script)


def test_a_server_hears_that_it_is_not_trusted(play: Play, papers: Papers) -> None:
    async def script(stage: Stage) -> None:
        stage.add_client("c", tls=ClientTls())
        _, error = await asyncio.gather(
            stage.failure(CONNECT), accept(stage.listen(), papers.context()), return_exceptions=True
        )
        assert isinstance(error, ssl.SSLError)
        assert "ALERT" in str(error)

    play(script)


def test_any_certificate_will_do_where_none_is_checked(play: Play, papers: Papers) -> None:
    async def script(stage: Stage) -> None:
        stage.add_client("c", tls=ClientTls(verify=False))
        await connect(stage, stage.listen("unix"), papers.context("a.test"))

    play(script)


def test_a_rejection_is_expected_with_its_reason(play: Play, papers: Papers) -> None:
    async def script(stage: Stage) -> None:
        stage.add_client("c", tls=ClientTls())
        listener = stage.listen()
        step = Connect(HERE, of=C, expect=Connected.REJECTED, reason=Contains(text("not trusted")), within=GENEROUS)
        await asyncio.gather(stage.perform(step), accept(listener, papers.context()), return_exceptions=True)
        other = Connect(HERE, of=C, expect=Connected.REJECTED, reason=Contains(text("expired")), within=GENEROUS)
        failure, _ = await asyncio.gather(
            stage.failure(other), accept(listener, papers.context()), return_exceptions=True
        )
        assert str(failure).startswith("why there is no TLS handshake: got 'certificate not trusted")

    play(script)


def test_an_agreement_where_a_rejection_was_expected_fails(play: Play, papers: Papers) -> None:
    async def script(stage: Stage) -> None:
        stage.add_client("c", tls=ClientTls(ca=papers.ca))
        step = Connect(HERE, of=C, expect=Connected.REJECTED, within=GENEROUS)
        failure, _ = await asyncio.gather(stage.failure(step), accept(stage.listen(), papers.context()))
        assert failure.message == "c was accepted, expected to be rejected"

    play(script)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"220 mail.example.test\r\n", "wrong version number"),
        (b"", "the peer ended the connection in the middle of it"),
    ],
)
def test_a_peer_that_speaks_no_tls_is_told(play: Play, said: bytes, reason: str) -> None:
    async def script(stage: Stage) -> None:
        stage.add_client("c", tls=ClientTls())
        listener = stage.listen()

        async def speak() -> None:
            peer = await listener.accept()
            await peer.hear_something()
            await peer.say(said)
            peer.sock.shutdown(socket.SHUT_WR)

        failure, _ = await asyncio.gather(stage.failure(CONNECT), speak())
        assert failure.message == f"c got no TLS handshake with {listener.address}: {reason}, expected to be accepted"

    play(script)


def test_a_peer_that_resets_a_handshake_is_told(play: Play) -> None:
    async def script(stage: Stage) -> None:
        stage.add_client("c", tls=ClientTls())
        listener = stage.listen()

        async def leave() -> None:
            peer = await listener.accept()
            await peer.hear_something()
            peer.reset()

        failure, _ = await asyncio.gather(stage.failure(CONNECT), leave())
        assert ": the connection broke: " in failure.message

    play(script)


def test_a_peer_that_says_nothing_is_waited_for(play: Play) -> None:
    async def script(stage: Stage) -> None:
        stage.add_client("c", tls=ClientTls())
        listener = stage.listen()
        failure = await stage.failure(Connect(HERE, of=C, within=SHORT))
        assert failure.message == f"no TLS handshake with {listener.address} within 100ms"

    play(script)


def test_a_client_shows_a_certificate_of_its_own(play: Play, papers: Papers) -> None:
    async def script(stage: Stage) -> None:
        certificate, key = papers.own("friend@example.test")
        stage.add_client("c", tls=ClientTls(ca=papers.ca, certificate=certificate, key=key))
        context = papers.context()
        context.verify_mode = ssl.CERT_REQUIRED
        papers.authority.configure_trust(context)
        secure = await connect(stage, stage.listen(), context)
        shown = secure.getpeercert()
        assert shown is not None
        assert shown["subjectAltName"] == (("email", "friend@example.test"),)

    play(script)


def test_an_alert_ends_a_connection_and_says_why(play: Play, papers: Papers) -> None:
    async def script(stage: Stage) -> None:
        stage.add_client("c", tls=ClientTls(ca=papers.ca))
        context = papers.context()
        context.verify_mode = ssl.CERT_REQUIRED
        papers.authority.configure_trust(context)
        listener = stage.listen()
        await asyncio.gather(stage.perform(CONNECT), accept(listener, context), return_exceptions=True)
        await stage.perform(Expect(HERE, of=C, end=End.ALERT, within=GENEROUS))
        failure = await stage.failure(Expect(HERE, of=C, end=End.CLOSED, within=GENEROUS))
        assert failure.message == (
            "the connection of c was ended by the peer with a TLS alert certificate required, expected it to be closed"
        )

    play(script)


def test_half_a_close_ends_one_direction_only(play: Play, papers: Papers) -> None:
    async def script(stage: Stage) -> None:
        stage.add_client("c", tls=ClientTls(ca=papers.ca))
        secure = await connect(stage, stage.listen(), papers.context())
        await stage.perform(Close(HERE, of=C, how=Closing.WRITE))
        assert await asyncio.to_thread(secure.recv, 100) == b""
        await asyncio.to_thread(secure.sendall, b"still here\n")
        await stage.perform(Expect(HERE, of=C, line=stage.equals("still here"), within=GENEROUS))
        await asyncio.to_thread(secure.unwrap)
        await stage.perform(Expect(HERE, of=C, end=End.CLOSED, within=GENEROUS))

    play(script)


def test_a_close_says_close_notify(play: Play, papers: Papers) -> None:
    async def script(stage: Stage) -> None:
        stage.add_client("c", tls=ClientTls(ca=papers.ca))
        secure = await connect(stage, stage.listen(), papers.context())
        await stage.perform(Close(HERE, of=C))
        assert await asyncio.to_thread(secure.recv, 100) == b""

    play(script)


def test_a_reset_says_nothing(play: Play, papers: Papers) -> None:
    async def script(stage: Stage) -> None:
        stage.add_client("c", tls=ClientTls(ca=papers.ca))
        secure = await connect(stage, stage.listen(), papers.context())
        await stage.perform(Close(HERE, of=C, how=Closing.RESET))
        with socket.socket(fileno=secure.detach()) as plain:
            plain.settimeout(SECONDS)  # its descriptor would not wait by itself
            with pytest.raises(ConnectionResetError):
                await asyncio.to_thread(plain.recv, 100)

    play(script)


def test_an_end_without_close_notify_is_not_in_good_order(play: Play, papers: Papers) -> None:
    async def script(stage: Stage) -> None:
        stage.add_client("c", tls=ClientTls(ca=papers.ca))
        secure = await connect(stage, stage.listen(), papers.context())
        secure.close()
        failure = await stage.failure(Expect(HERE, of=C, end=End.CLOSED, within=GENEROUS))
        assert failure.message == (
            "the connection of c was broken (end of file without a TLS close_notify), expected it to be closed"
        )
        await stage.perform(Expect(HERE, of=C, end=End.ANY, within=GENEROUS))

    play(script)


def test_much_goes_both_ways(play: Play, papers: Papers) -> None:
    async def script(stage: Stage) -> None:
        stage.add_client("c", tls=ClientTls(ca=papers.ca))
        secure = await connect(stage, stage.listen(), papers.context())
        much = os.urandom(1_000_000).hex()

        def serve() -> None:
            with secure.makefile("rb") as lines:
                line = lines.readline()
            digest = hashlib.sha256(line).hexdigest().encode()
            secure.sendall(b"".join(b"%06d %s\n" % (number, digest) for number in range(20_000)))

        serving = asyncio.create_task(asyncio.to_thread(serve))
        await stage.perform(Send(HERE, of=C, line=text(much), within=GENEROUS))
        digest = hashlib.sha256(much.encode() + b"\n").hexdigest()
        for number in range(20_000):
            expected = stage.equals(f"{number:06} {digest}")
            await stage.perform(Expect(HERE, of=C, line=expected, within=GENEROUS))
        await serving

    play(script)


@pytest.mark.parametrize(
    ("tls", "message"),
    [
        (ClientTls(ca=text("none.pem"), server_name=text("a.test")), "c cannot use its TLS settings: .*No such file"),
        (ClientTls(), "c needs a server_name: unix:.* has none"),
        (ClientTls(server_name=text(".test")), "no certificate is for '.test'"),
    ],
)
def test_settings_that_cannot_be_used_are_no_fault_of_the_server(play: Play, tls: ClientTls, message: str) -> None:
    async def script(stage: Stage) -> None:
        stage.add_client("c", tls=tls)
        stage.listen("unix")
        with pytest.raises(StepErroredError, match=message):
            await stage.perform(CONNECT)

    play(script)
