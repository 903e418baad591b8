"""A web server of one page: preforked, connections kept alive within limits, configured anew at every restart.

Start it, ask for the page, and tell it what to do:

    python examples/halo.py                 # in the foreground; Ctrl-C stops it
    python examples/halo.py -d              # as a daemon, which logs to syslog
    curl http://localhost:8080/

    kill -HUP PID       # restart with the halo.toml and halo.html of now; PID stands in halo.pid
    kill -USR1 PID      # write statistics of the queues to halo.log
    kill -TERM PID      # stop

halo.pid, halo.log (what the server does) and protocol.log (every byte of its clients) appear beside halo.toml.
"""

import argparse
import http.client
import logging
import pprint
import socket
import sys
import tomllib
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

import riser

HERE = Path(__file__).parent
LINE_BYTES = 8192
"""The longest request line that is read."""


def main(arguments: list[str]) -> int:
    """Run the daemon that the command line describes; the exit status."""
    options = parse(arguments)

    def read_config() -> dict[str, Any]:
        return tomllib.loads(options.config.read_text(encoding="utf-8"))

    def setup(server: riser.SocketServer) -> None:
        """Run in every new server process, so that a restart brings what the files say then."""
        set_up(server, read_config()["server"], folder=options.config.parent)

    return riser.start_daemon(
        setup,
        daemonize=options.daemonize,
        daemon_debug=options.debug,
        daemon_name="halo",
        status_file=str(options.config.with_name("halo.pid")),
        listen_address=lambda: read_config()["server"]["server_listen"],
        **read_config()["daemon"],
    )


def parse(arguments: list[str]) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="halo.py", description="Serve one page over HTTP.")
    parser.add_argument("-d", "--daemonize", action="store_true", help="run in the background and log to syslog")
    parser.add_argument("-g", "--debug", action="store_true", help="log more of what the daemon does")
    parser.add_argument("config", nargs="?", type=Path, default=HERE / "halo.toml", help="default: %(default)s")
    options = parser.parse_args(arguments)
    options.config = options.config.absolute()
    return options


@dataclass
class Limits:
    """How long connections are kept. A stop lowers the limits of those that are open, too."""

    request_max_count: int
    request_timeout_seconds: float


def set_up(server: riser.SocketServer, config: dict[str, Any], *, folder: Path) -> None:
    """Give a new server its attributes and callbacks."""
    log = open_log(folder / "halo.log", level=config["server_log_level"])
    protocol_log = open_log(folder / "protocol.log", level=config["protocol_log_level"])
    limits = Limits(config["request_max_count"], config["request_timeout_seconds"])
    page = (HERE / "halo.html").read_bytes()

    server.accept_polling_timeout_seconds = config["accept_polling_timeout_seconds"]
    server.process_num = config["process_num"]
    server.process_queue_size = config["process_queue_size"]
    server.process_queue_polling_timeout_seconds = config["process_queue_polling_timeout_seconds"]
    server.process_send_io_polling_timeout_seconds = config["process_send_io_polling_timeout_seconds"]
    server.thread_num = config["thread_num"]
    server.thread_queue_size = config["thread_queue_size"]
    server.thread_queue_polling_timeout_seconds = config["thread_queue_polling_timeout_seconds"]
    server.dispatch_error = "log"

    server.before_start(lambda listening: log.info("start HTTP server: listen %s", listening.getsockname()))
    server.at_fork(lambda: log.info("at fork"))
    server.preprocess(lambda: log.info("preprocess"))
    server.postprocess(lambda: log.info("postprocess"))
    server.after_stop(lambda: log.info("stop server"))
    server.at_stat(lambda report: log.info("stat: %s", pprint.pformat(report, sort_dicts=False)))

    @server.at_stop
    def hurry(state: str) -> None:
        log.info("at stop: %s", state)
        limits.request_max_count = 1
        limits.request_timeout_seconds = 0

    @server.dispatch
    def serve(connection: socket.socket) -> None:
        log.info("connect from %s", connection.getpeername())
        connection.settimeout(config["request_timeout_seconds"])
        stream = riser.LoggingStream(riser.WriteBufferStream(connection), protocol_log)
        with stream:
            poll = riser.ReadPoll(stream)
            count, keep = 0, True
            while keep and await_request(poll, limits):
                request = Request.read(stream)
                if request is None:
                    return
                log.info("%s %s %s", request.method, request.path, request.version)
                count += 1
                keep = request.keeps_alive and count < limits.request_max_count
                stream.write(answer(request, page, keep=keep))
                stream.flush()
                poll.reset_timer()


def open_log(path: Path, *, level: str) -> logging.Logger:
    """A log in a file; the children of a server inherit it, and the next server opens it anew."""
    log = logging.getLogger(path.stem)
    log.setLevel(level)
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(message)s"))
    log.addHandler(handler)
    return log


def await_request(poll: riser.ReadPoll, limits: Limits) -> bool:
    """Whether a client says something before its time is up; looks every second, since a stop shortens the time."""
    while not poll.poll(1):
        if poll.interval_seconds >= limits.request_timeout_seconds:
            return False
    return True


@dataclass(frozen=True)
class Request:
    """What halo wants to know of a request."""

    method: str
    path: str
    version: str
    keeps_alive: bool

    @classmethod
    def read(cls, stream: riser.Stream) -> Self | None:
        """The next request; None for what is none, or for the end of the connection."""
        match stream.readline(LINE_BYTES).decode("latin-1").split():
            case [method, path, "HTTP/1.0" | "HTTP/1.1" as version]:
                pass
            case _:
                return None
        try:
            headers = http.client.parse_headers(stream)
        except http.client.HTTPException:
            return None
        wish = headers.get("Connection", "").lower()
        # A body is not read, so what comes after it could not be told from it.
        has_body = "Content-Length" in headers or "Transfer-Encoding" in headers
        keeps_alive = not has_body and (wish == "keep-alive" or (version == "HTTP/1.1" and wish != "close"))
        return cls(method, path, version, keeps_alive)


def answer(request: Request, page: bytes, *, keep: bool) -> bytes:
    """The page for GET and HEAD; a refusal for everything else."""
    if request.method in ("GET", "HEAD"):
        status, kind, body = HTTPStatus.OK, "text/html; charset=utf-8", page
    else:
        status, kind = HTTPStatus.METHOD_NOT_ALLOWED, "text/plain; charset=utf-8"
        body = f"{request.method} is not allowed.\r\n".encode()
    head = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        f"Date: {formatdate(usegmt=True)}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
        f"Connection: {'keep-alive' if keep else 'close'}",
        *(["Allow: GET, HEAD"] if status is HTTPStatus.METHOD_NOT_ALLOWED else []),
    ]
    return "\r\n".join([*head, "", ""]).encode() + (b"" if request.method == "HEAD" else body)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
