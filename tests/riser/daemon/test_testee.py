"""The testee keeps the contract: what it refuses, what it reports, what a probe answers."""

from __future__ import annotations

import hashlib
import http.client
import json
import socket
import ssl
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
import trustme

if TYPE_CHECKING:
    from pathlib import Path

    from tests.riser.daemon.conftest import Client, Run

WHOLE = {"contract": 1, "events": "events", "mode": "daemon", "handler": "echo"}


def refused(path: Path, text: str) -> tuple[int, str]:
    """The exit status and the message for a configuration that nothing is started for."""
    path.write_text(text)
    command = [sys.executable, "-m", "riser.testee", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("change", "status", "named"),
    [
        ({"colour": "red"}, 2, "colour: not in the contract"),
        ({"contract": 2}, 2, "contract: expected 1, got 2"),
        ({"mode": "both"}, 2, "mode: expected 'daemon' or 'server', got 'both'"),
        ({"events": None}, 2, "events: expected a str"),
        ({"server": []}, 2, "server: expected a dict"),
        ({"record": ["at_lunch"]}, 2, "record: expected names of callbacks, got 'at_lunch'"),
        ({"handler": "ftp"}, 2, "handler: expected 'echo' or 'http' or 'probe', got 'ftp'"),
        ({"http": {"colour": 1}}, 2, "http.colour: not in the contract"),
        ({"http": {"request_max_count": 0}}, 2, "http.request_max_count: expected a number above 0, got 0"),
        ({"http": {"request_timeout_seconds": True}}, 2, "http.request_timeout_seconds: expected a number above 0"),
        ({"services": {"pool": 4}}, 2, "services.pool: not in the contract"),
        ({"services": {"process_num": -1}}, 2, "services.process_num: expected a whole number, got -1"),
        ({"services": {"register": []}}, 2, "services.register: expected an object, got []"),
        (
            {"services": {"register": {"one": {"pattern": "any", "kind": "nothing"}}}},
            2,
            "services.register.one.kind: expected pid or echo or",
        ),
        (
            {"resources": {"register": {"one": "any"}}},
            2,
            "resources.register.one: expected single or sticky, got 'any'",
        ),
        ({"resources": {"create_seconds": -1}}, 2, "resources.create_seconds: expected a number of seconds, got -1"),
    ],
)
def test_configuration_that_cannot_be_used_is_refused(
    tmp_path: Path, change: dict[str, object], status: int, named: str
) -> None:
    code, message = refused(tmp_path / "config.json", json.dumps({**WHOLE, **change}))
    assert code == status
    assert named in message
    assert "Traceback" not in message


@pytest.mark.parametrize("text", ["", "[]", "{", '{"contract": 1}'])
def test_file_that_is_no_configuration_is_refused(tmp_path: Path, text: str) -> None:
    code, message = refused(tmp_path / "config.json", text)
    assert code == 2
    assert "Traceback" not in message


def test_unknown_attribute_of_the_server_is_named(run: Run) -> None:
    run.launch(server={"colour": 1})
    assert run.exit() == 1
    assert "colour: expected an attribute of the server" in run.log()


@pytest.mark.parametrize("mode", ["daemon", "server"])
def test_every_callback_is_recorded_in_its_order(run: Run, mode: str) -> None:
    run.configuration["mode"] = mode
    run.launch()
    run.event("preprocess")
    assert run.ask("echo one") == "one"
    assert run.stop() == 0
    names = ["before_start", "preprocess", "dispatch", "at_stop", "postprocess", "after_stop"]
    assert run.events() == names


def test_only_what_is_asked_for_is_recorded(run: Run) -> None:
    run.start(record=["before_start", "preprocess"])
    assert run.ask("echo one") == "one"
    assert run.stop() == 0
    assert run.events() == ["before_start", "preprocess"]


def test_events_without_a_reader_harm_nobody(run: Run) -> None:
    run.start()
    with run.client() as client:
        run.close_events()
        assert client.ask("echo one") == "one"
        assert run.ask("echo two") == "two"
    assert run.stop() == 0


def test_probe_answers(run: Run) -> None:
    run.start()
    with run.client() as client:
        assert client.ask("pid") == str(run.server)
        assert client.ask("ppid") == str(run.pid)
        assert client.ask("umask") == "0037"
        assert int(client.ask("fds")) > 3
        assert len(client.ask("ids").split(" ")) == 3
        assert client.ask("sleep 0.01") == "ok"
        assert client.ask("sleep long") == "error could not convert string to float: 'long'"
        assert client.ask("juggle") == "error unknown command juggle"
    assert run.stop() == 0


def test_probe_sends_and_receives_bytes(run: Run) -> None:
    run.start()
    content = bytes(range(256)) * 300
    with run.client() as client:
        client.socket.sendall(f"send {len(content)}\n".encode())
        assert client.read(len(content)) == content
        client.socket.sendall(f"receive {len(content)}\n".encode() + content)
        assert client.ask("echo next").removeprefix("ok ") == hashlib.sha256(content).hexdigest()
        assert client.read(len("ok next\n")) == b"ok next\n"
    assert run.stop() == 0


def test_probe_waits_with_a_poll_and_buffers_writes(run: Run) -> None:
    run.start()
    with run.client() as client:
        assert client.ask("poll 0.01") == "false"
        assert float(client.ask("interval")) >= 0.01
        client.socket.sendall(b"poll 0\necho there already\n")
        assert client.read(len("ok true\nok there already\n")) == b"ok true\nok there already\n"
        client.socket.sendall(b"buffer 100\nwrite abc\nwrite def\necho first\nflush\n")
        assert client.read(len("ok\nok first\nabcdef")) == b"ok\nok first\nabcdef"
    assert run.stop() == 0


def test_probe_fills_a_buffer_and_closes_through_it(run: Run) -> None:
    run.start()
    with run.client() as client:
        client.socket.sendall(b"buffer 9\nfill 8\necho first\nfill 1\nwrite a\\nb\nclose\n")
        assert client.read(len("ok\nok first\n.........a\nb")) == b"ok\nok first\n.........a\nb"
        assert client.socket.recv(1) == b""
    assert run.stop() == 0


def test_probe_logs_its_conversation(run: Run) -> None:
    run.start()
    with run.client() as client:
        assert client.ask("log") == "ok"
        assert client.ask("echo one") == "one"
        assert client.ask("poll 0") == "false"
        client.socket.sendall(b"flush\nclose\n")
        assert client.socket.recv(1) == b""
    assert run.stop() == 0
    output = run.output.read_text()
    for said in ("r b'echo one\\n'", "w b'ok one\\n'", "flush", "close"):
        assert f"] {said}\n" in output


def test_probe_closes_or_keeps_its_connection(run: Run) -> None:
    run.start()
    with run.client() as closed, run.client() as kept:
        assert closed.ask("close") == ""
        assert kept.ask("detach") == "ok"
        assert run.ask("echo elsewhere") == "elsewhere"
        kept.socket.settimeout(0.05)
        with pytest.raises(TimeoutError):
            kept.socket.recv(1)
    assert run.stop() == 0


def test_tls_is_spoken_when_configured(run: Run, tmp_path: Path) -> None:
    authority = trustme.CA()
    files: dict[str, Any] = {"certificate": str(tmp_path / "chain.pem"), "key": str(tmp_path / "key.pem")}
    certificate = authority.issue_cert("localhost")
    certificate.private_key_pem.write_to_path(files["key"])
    for number, part in enumerate(certificate.cert_chain_pems):
        part.write_to_path(files["certificate"], append=number > 0)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    run.start(tls=files)
    with run.client() as client, context.wrap_socket(client.socket, server_hostname="localhost") as secure:
        secure.sendall(b"pid\n")
        with secure.makefile("rb") as lines:
            assert lines.readline() == f"ok {run.server}\n".encode()
    assert run.stop() == 0


def fetch(client: Client, method: str = "GET", version: str = "HTTP/1.1", **headers: str) -> tuple[int, str, bytes]:
    """Status, the header Connection, and body of one answer."""
    fields = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    client.socket.sendall(f"{method} /any {version}\r\n{fields}\r\n".encode())
    answer = http.client.HTTPResponse(client.socket, method=method)
    answer.begin()
    return answer.status, answer.headers["Connection"], answer.read()


def test_http_serves_its_page_again_and_again(run: Run) -> None:
    run.start(handler="http")
    with run.client() as client:
        status, connection, page = fetch(client)
        assert (status, connection) == (200, "keep-alive")
        assert b"Hello world." in page
        assert fetch(client, "HEAD") == (200, "keep-alive", b"")
        assert fetch(client, "PUT") == (405, "keep-alive", b"")
        assert fetch(client) == (200, "keep-alive", page)
    assert run.stop() == 0
    assert "r b'GET /any HTTP/1.1" in run.log()
    assert "w b'HTTP/1.1 200 OK" in run.log()


@pytest.mark.parametrize(
    ("version", "headers", "connection"),
    [
        ("HTTP/1.0", {}, "close"),
        ("HTTP/1.0", {"Connection": "keep-alive"}, "keep-alive"),
        ("HTTP/1.1", {"Connection": "close"}, "close"),
        ("HTTP/1.1", {"Content_Length": "0"}, "close"),
    ],
)
def test_http_keeps_a_connection_as_the_request_says(
    run: Run, version: str, headers: dict[str, str], connection: str
) -> None:
    run.start(handler="http")
    with run.client() as client:
        assert fetch(client, "GET", version, **headers)[:2] == (200, connection)
        if connection == "close":
            assert client.at_end()
    assert run.stop() == 0


def test_http_ends_a_connection_after_so_many_requests(run: Run) -> None:
    run.start(handler="http", http={"request_max_count": 2})
    with run.client() as client:
        assert [fetch(client)[1] for _ in range(2)] == ["keep-alive", "close"]
        assert client.at_end()
    assert run.stop() == 0


def test_http_ends_a_connection_that_is_silent(run: Run) -> None:
    run.start(handler="http", http={"request_timeout_seconds": 0.2})
    began = time.monotonic()
    with run.client() as client:
        assert client.at_end()
    assert time.monotonic() - began >= 0.2
    assert run.stop() == 0


@pytest.mark.parametrize("said", [b"what is this?\r\n", b"GET / HTTP/1.1\r\nno header\r\n", b"GET / HTTP/2\r\n\r\n"])
def test_http_ends_a_connection_that_says_no_request(run: Run, said: bytes) -> None:
    run.start(handler="http")
    with run.client() as client:
        client.socket.sendall(said)
        client.socket.shutdown(socket.SHUT_WR)
        client.read(10_000)
        assert client.at_end()
    assert run.ask("GET / HTTP/1.0\r\n\r").startswith("HTTP/1.1 200")
    assert run.stop() == 0


def test_http_keeps_no_connection_at_a_stop(run: Run) -> None:
    run.start(handler="http", http={"request_timeout_seconds": 3600})
    with run.client() as client:
        assert fetch(client)[1] == "keep-alive"
        assert run.stop() == 0
        assert client.at_end()
