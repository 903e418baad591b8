"""The testee keeps the contract: what it refuses, what it reports, what a probe answers."""

from __future__ import annotations

import hashlib
import json
import ssl
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import trustme

if TYPE_CHECKING:
    from pathlib import Path

    from tests.riser.daemon.conftest import Run

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
        ({"handler": "http"}, 127, "handler: riser does not offer 'http'"),
        ({"services": {}}, 127, "services: riser does not offer this profile"),
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
