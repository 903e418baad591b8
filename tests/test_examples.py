"""The README's programs, each run as it stands, by the clients that a reader would use.

They run in development mode with warnings as errors; a program that says anything on its standard error has failed.
Ports are chosen by the kernel and read from /proc, so any number of these tests can run at once.
"""

import contextlib
import json
import os
import select
import signal
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO

import pytest
import trustme

from .conftest import (
    DEADLINE_SECONDS,
    Program,
    await_port,
    children,
    connected,
    curl,
    eventually,
    needs,
    running,
    talk,
)

EXAMPLES = Path(__file__).parents[1] / "examples"

# The simple servers


@pytest.mark.parametrize("name", ["simple_server.py", "multiproc_server.py"])
def test_a_simple_server_echoes_every_line(name: str, tmp_path: Path) -> None:
    with running(EXAMPLES / name, "0", place=tmp_path) as server:
        port = server.port()
        assert talk(port, b"foo\n", b"\n", b"bar\n") == [b"foo\n", b"\n", b"bar\n", b""]
        assert talk(port, b"x" * 100_000 + b"\n") == [b"x" * 100_000 + b"\n", b""]


@pytest.mark.parametrize("name", ["simple_server.py", "multiproc_server.py"])
def test_a_simple_server_serves_four_clients_at_once(name: str, tmp_path: Path) -> None:
    with running(EXAMPLES / name, "0", place=tmp_path) as server, contextlib.ExitStack() as clients:
        port = server.port()
        talks = [clients.enter_context(connected(port)) for _ in range(4)]
        for talk in talks:
            talk.sendall(b"foo\n")
        assert [talk.recv(4) for talk in talks] == [b"foo\n"] * 4
        clients.close()


def test_the_simple_server_is_one_process(tmp_path: Path) -> None:
    with running(EXAMPLES / "simple_server.py", "0", place=tmp_path) as server:
        assert talk(server.port(), b"foo\n") == [b"foo\n", b""]
        assert children(server.pid) == []


def test_the_multi_process_server_has_two_children(tmp_path: Path) -> None:
    with running(EXAMPLES / "multiproc_server.py", "0", place=tmp_path) as server:
        assert talk(server.port(), b"foo\n") == [b"foo\n", b""]
        assert len(children(server.pid)) == 2


# The daemon


@contextlib.contextmanager
def launched(name: str, *arguments: str | Path, place: Path, status_file: Path) -> Iterator[int]:
    """The pid of a daemon that goes to the background; in the end it is told to stop and awaited."""
    launch = Program(EXAMPLES / name, *arguments, place=place)
    try:
        status = launch.wait()
    finally:
        launch.kill()
    assert (status, launch.errors) == (0, "")
    pid = int(status_file.read_text(encoding="utf-8").removeprefix("---\npid: "))
    daemon = os.pidfd_open(pid)
    try:
        yield pid
        signal.pidfd_send_signal(daemon, signal.SIGTERM)
        assert select.select([daemon], [], [], DEADLINE_SECONDS)[0], f"{name} does not end"
    finally:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(daemon, signal.SIGKILL)
        os.close(daemon)


def test_the_simple_daemon_serves_in_the_background_until_it_is_told_to_stop(tmp_path: Path) -> None:
    with launched("simple_daemon.py", "localhost:0", place=tmp_path, status_file=tmp_path / "simple_daemon.pid") as pid:
        port = await_port(pid, lambda: "the daemon listens")
        assert talk(port, b"foo\n") == [b"foo\n", b""]
        os.kill(pid, signal.SIGHUP)
        assert talk(port, b"bar\n") == [b"bar\n", b""]
    with pytest.raises(ConnectionRefusedError), connected(port):
        pass


def test_a_second_simple_daemon_says_that_the_first_is_there(tmp_path: Path) -> None:
    with launched("simple_daemon.py", "localhost:0", place=tmp_path, status_file=tmp_path / "simple_daemon.pid"):
        second = Program(EXAMPLES / "simple_daemon.py", "localhost:0", place=tmp_path)
        assert second.wait() == 1
        assert "already running" in second.errors


# TLS


@contextlib.contextmanager
def talking(command: list[str]) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """A client program's standard input and output; in the end its input ends, and it has to exit with 0."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as client:
        limit = threading.Timer(DEADLINE_SECONDS, client.kill)
        limit.start()
        try:
            assert client.stdin is not None
            assert client.stdout is not None
            yield client.stdin, client.stdout
            client.stdin.close()
            client.stdout.read()
            assert client.wait() == 0
        finally:
            limit.cancel()
            limit.join()
            client.kill()


def read_until(heard: IO[bytes], last: bytes) -> list[bytes]:
    """All lines up to this one."""
    lines: list[bytes] = []
    while not lines or lines[-1] != last:
        line = heard.readline()
        assert line, f"no {last!r} in {lines}"
        lines.append(line)
    return lines


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ca.pem, and server.pem and server.key for localhost."""
    folder = tmp_path_factory.mktemp("certificates")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    server = authority.issue_cert("localhost")
    for certificate in server.cert_chain_pems:
        certificate.write_to_path(folder / "server.pem", append=True)
    server.private_key_pem.write_to_path(folder / "server.key")
    return folder


@needs("openssl")
def test_the_tls_server_echoes_to_openssl_which_verifies_it(certificates: Path, tmp_path: Path) -> None:
    with running(
        EXAMPLES / "simple_tls.py",
        certificates / "server.pem",
        certificates / "server.key",
        "localhost:0",
        place=tmp_path,
    ) as server:
        verify = ["-CAfile", str(certificates / "ca.pem"), "-verify_return_error", "-verify_hostname", "localhost"]
        command = ["openssl", "s_client", *verify, "-connect", f"localhost:{server.port()}"]
        with talking(command) as (said, heard):
            said.write(b"foo\n")
            said.flush()
            assert b"Verification: OK\n" in read_until(heard, b"foo\n")
            said.write(b"bar\n")
            said.flush()
            read_until(heard, b"bar\n")


def test_plain_bytes_end_their_own_tls_connection_only(certificates: Path, tmp_path: Path) -> None:
    with running(
        EXAMPLES / "simple_tls.py",
        certificates / "server.pem",
        certificates / "server.key",
        "localhost:0",
        place=tmp_path,
    ) as server:
        with connected(server.port()) as stranger:
            stranger.sendall(b"GET / HTTP/1.0\r\n\r\n")
            with contextlib.suppress(ConnectionResetError):
                while stranger.recv(1000):
                    pass
        context = ssl.create_default_context(cafile=certificates / "ca.pem")
        with connected(server.port()) as client, context.wrap_socket(client, server_hostname="localhost") as tls:
            tls.sendall(b"foo\n")
            assert tls.recv(10) == b"foo\n"


def test_the_tls_server_says_how_it_is_started(tmp_path: Path) -> None:
    program = Program(EXAMPLES / "simple_tls.py", place=tmp_path)
    assert (program.wait(), program.errors) == (1, "usage: simple_tls.py CERTIFICATE KEY [ADDRESS]\n")


# halo


PAGE = (EXAMPLES / "halo.html").read_bytes()


def write_config(folder: Path, **changes: object) -> Path:
    """The example's own configuration on a port that the kernel chooses, with some values changed."""
    changes = {"server_listen": "localhost:0", "process_num": 2, **changes}
    lines = (EXAMPLES / "halo.toml").read_text(encoding="utf-8").splitlines()
    for name, value in changes.items():
        (number,) = [number for number, line in enumerate(lines) if line.startswith(f"{name} = ")]
        lines[number] = f"{name} = {json.dumps(value)}"
    path = folder / "halo.toml"
    path.with_suffix(".new").write_text("\n".join(lines), encoding="utf-8")
    return path.with_suffix(".new").rename(path)


@pytest.fixture
def halo(tmp_path: Path) -> Iterator[Program]:
    """halo in the foreground, its files in tmp_path."""
    with running(EXAMPLES / "halo.py", write_config(tmp_path), place=tmp_path) as program:
        yield program


@needs("curl")
def test_halo_gives_its_page_to_curl(halo: Program) -> None:
    assert curl(f"http://localhost:{halo.port()}/") == PAGE.decode()


@needs("curl")
def test_halo_answers_head_with_the_length_and_no_body(halo: Program) -> None:
    head = curl("--head", f"http://localhost:{halo.port()}/")
    assert head.startswith("HTTP/1.1 200 OK")
    assert f"Content-Length: {len(PAGE)}" in head.splitlines()


@needs("curl")
def test_halo_refuses_other_methods(halo: Program) -> None:
    answer = curl("--request", "POST", "--data", "x=1", "--include", f"http://localhost:{halo.port()}/")
    assert answer.startswith("HTTP/1.1 405 Method Not Allowed")
    assert answer.endswith("\n\nPOST is not allowed.\n")


@needs("curl")
def test_halo_keeps_the_connection_for_the_next_request(halo: Program) -> None:
    url = f"http://localhost:{halo.port()}/"
    assert curl("--output", "/dev/null", "--output", "/dev/null", "--write-out", "%{num_connects} ", url, url) == "1 0 "


GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def test_halo_closes_the_connection_after_request_max_count(tmp_path: Path) -> None:
    config = write_config(tmp_path, request_max_count=2)
    with running(EXAMPLES / "halo.py", config, place=tmp_path) as halo, connected(halo.port()) as client:
        client.sendall(GET * 3)
        answers = client.makefile("rb").read()
    assert (answers.count(b"HTTP/1.1 200 OK"), answers.count(PAGE)) == (2, 2)
    assert (answers.count(b"Connection: keep-alive"), answers.count(b"Connection: close")) == (1, 1)


def test_halo_closes_the_connection_after_request_timeout_seconds(tmp_path: Path) -> None:
    with running(EXAMPLES / "halo.py", write_config(tmp_path, request_timeout_seconds=0.2), place=tmp_path) as halo:
        with connected(halo.port()) as silent:
            assert silent.recv(1) == b""
        with connected(halo.port()) as halfway:
            halfway.sendall(b"GET / HT")
            assert halfway.recv(1) == b""


def test_halo_closes_the_connection_of_who_speaks_no_http(halo: Program) -> None:
    with connected(halo.port()) as client:
        client.sendall(b"EHLO there\r\n")
        assert client.recv(1) == b""


def test_halo_lets_go_of_idle_connections_when_it_stops(halo: Program) -> None:
    with connected(halo.port()) as client, client.makefile("rb") as answers:
        client.sendall(GET)
        answers.readline()
        halo.stop()


def test_halo_reads_its_configuration_again_at_a_restart(halo: Program, tmp_path: Path) -> None:
    port = halo.port()

    def is_closed_after_one() -> bool:
        with connected(port) as client:
            client.sendall(GET)
            return b"Connection: close" in client.recv(1000)

    assert not is_closed_after_one()
    write_config(tmp_path, request_max_count=1)
    halo.send(signal.SIGHUP)
    eventually(is_closed_after_one, "the new request_max_count counts")


def test_halo_moves_to_another_port_at_a_restart(halo: Program, tmp_path: Path) -> None:
    first = halo.port()
    write_config(tmp_path, server_listen="127.0.0.1:0")
    halo.send(signal.SIGHUP)
    eventually(lambda: halo.port() != first, "the old port is closed")
    with connected(halo.port()) as client:
        client.sendall(GET)
        assert client.recv(15) == b"HTTP/1.1 200 OK"


def test_halo_logs_what_it_does_and_its_statistics(halo: Program, tmp_path: Path) -> None:
    with connected(halo.port()) as client:
        client.sendall(GET)
        assert client.recv(15) == b"HTTP/1.1 200 OK"
    log = tmp_path / "halo.log"

    def reports(queue: str) -> bool:
        return f"'queue_name': '{queue}'" in log.read_text(encoding="utf-8")

    halo.send(signal.SIGUSR1)
    for name in ("process_queue", "thread_queue-0", "thread_queue-1"):
        eventually(partial(reports, name), f"a report of {name}")
    halo.stop()
    lines = log.read_text(encoding="utf-8")
    for line in ("start HTTP server: listen", "at fork", "preprocess", "GET / HTTP/1.1", "at stop: graceful"):
        assert line in lines
    assert "stop server" in lines.splitlines()[-1]


def test_halo_logs_every_byte_of_the_protocol(halo: Program, tmp_path: Path) -> None:
    with connected(halo.port()) as client:
        client.sendall(GET)
        client.shutdown(socket.SHUT_WR)
        client.makefile("rb").read()
    halo.stop()
    lines = (tmp_path / "protocol.log").read_text(encoding="utf-8")
    assert "GET / HTTP/1.1" in lines
    assert "HTTP/1.1 200 OK" in lines


def test_halo_says_more_with_debug(tmp_path: Path) -> None:
    config = write_config(tmp_path, server_polling_interval_seconds=0.1)
    with running(EXAMPLES / "halo.py", "--debug", config, place=tmp_path) as halo:
        halo.port()
        output = tmp_path / "halo.py.stdout"
        eventually(lambda: "DEBUG" in output.read_text(encoding="utf-8"), "a debug line")


@needs("curl")
def test_halo_runs_in_the_background(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    with launched("halo.py", "-d", config, place=tmp_path, status_file=tmp_path / "halo.pid") as pid:
        assert curl(f"http://localhost:{await_port(pid, lambda: 'the daemon listens')}/") == PAGE.decode()


@needs("chromium")
def test_halo_is_read_by_a_browser(halo: Program, tmp_path: Path) -> None:
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"]
    command = ["chromium", *options, f"http://localhost:{halo.port()}/"]
    page = subprocess.run(command, check=True, capture_output=True, encoding="utf-8", timeout=DEADLINE_SECONDS).stdout
    assert "<h1>Halo</h1>" in page
