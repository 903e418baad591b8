"""The testee contract on CPython's socketserver: `python testee.py CONFIG.json`.

    serve_forever --accept--> process_request --> queue --> a thread: finish_request -> dispatch -> shutdown_request

socketserver has a thread for each connection or none at all; what RISER asks for, a few threads and a queue before
them, takes twenty lines more. It has no children, no daemon and no statistics: asked for those it exits 127, or says
nothing.
"""

import contextlib
import functools
import hashlib
import json
import os
import queue
import signal
import socket
import socketserver
import sys
import threading
import time
from pathlib import Path

CALLBACKS = ["before_start", "preprocess", "dispatch", "at_stop", "postprocess", "after_stop"]
ATTRIBUTES = {
    "process_num": (0, 0), "process_queue_size": (20, 1), "thread_num": (4, 1), "thread_queue_size": (20, 1),
    "accept_polling_timeout_seconds": (0.1, 1e-9), "process_queue_polling_timeout_seconds": (0.1, 1e-9),
    "process_send_io_polling_timeout_seconds": (0.1, 1e-9), "thread_queue_polling_timeout_seconds": (0.1, 1e-9),
}  # fmt: skip
"""Defaults, and the least value."""
NOT_OFFERED = 127


class Server(socketserver.TCPServer):
    """A server with a pool of threads."""

    allow_reuse_address = True
    request_queue_size = 1024

    def __init__(self, listening: socket.socket, config: dict, attributes: dict) -> None:
        super().__init__(listening.getsockname(), None, bind_and_activate=False)
        self.socket.close()
        self.socket = listening
        self.config = config
        self.waiting = queue.Queue(attributes["thread_queue_size"])
        self.serving = set()
        self.state = None
        self.failure = None
        self.threads = [threading.Thread(target=self.work, daemon=True) for _ in range(attributes["thread_num"])]

    def process_request(self, request: socket.socket, client_address: object) -> None:
        """Leave it to a thread; while there is no room, accept nothing."""
        while self.state != "forced":
            with contextlib.suppress(queue.Full):
                self.waiting.put((request, client_address), timeout=0.1)
                return
        self.shutdown_request(request)

    def work(self) -> None:
        """Serve what is queued, until the end is."""
        while (item := self.waiting.get()) is not None:
            request, client_address = item
            self.serving.add(request)
            is_kept = False
            try:
                is_kept = self.finish_request(request, client_address)
            except (ConnectionError, UnicodeDecodeError):
                pass
            except Exception as error:  # noqa: BLE001 - whatever it is, it ends the server
                self.failure = self.failure or error
                self.stop("forced")
            self.serving.discard(request)
            self.close_request(request) if is_kept else self.shutdown_request(request)
        self.waiting.put(None)  # The next must find the end too.

    def finish_request(self, request: socket.socket, _client_address: object) -> bool:
        """Call dispatch; whether it keeps the connection."""
        happen(self.config, "dispatch")
        return (echo if self.config["handler"] == "echo" else probe)(request)

    def stop(self, state: str) -> None:
        """Ask for a stop, which only becomes harder; callable from every thread and from a signal handler."""
        if self.state is None:
            threading.Thread(target=self.shutdown).start()
        if self.state != "forced":
            self.state = state

    def run(self) -> None:
        """Serve until a stop is complete; raises what dispatch has raised."""
        for thread in self.threads:
            thread.start()
        self.serve_forever(poll_interval=0.05)
        self.socket.close()
        told, deadline, the_end_is_queued = None, None, False
        while any(thread.is_alive() for thread in self.threads) and (deadline is None or time.monotonic() < deadline):
            if told != self.state:
                told = self.state
                survive(self.config, "at_stop", state=told)
                if told == "forced":
                    deadline = time.monotonic() + 0.25
                    self.cut()
            if not the_end_is_queued:
                with contextlib.suppress(queue.Full):
                    self.waiting.put_nowait(None)
                    the_end_is_queued = True
            self.threads[0].join(0.02)
        if self.failure is not None:
            raise self.failure

    def cut(self) -> None:
        """End the connections in service and in the queue."""
        with contextlib.suppress(queue.Empty):
            while True:
                item = self.waiting.get_nowait()
                if item is None:
                    self.waiting.put_nowait(None)
                    break
                item[0].close()
        for request in tuple(self.serving):
            with contextlib.suppress(OSError):
                request.shutdown(socket.SHUT_RDWR)


def happen(config: dict, name: str, **fields: str) -> None:
    """Record a callback, and then misbehave as asked."""
    if name in config.get("record", CALLBACKS):
        with contextlib.suppress(OSError):
            line = json.dumps({"event": name, "pid": os.getpid(), **fields})
            os.write(events(config["events"]), f"{line}\n".encode())
    if name in config.get("exit_in", ()):
        os._exit(3)
    if name in config.get("hang_in", ()):
        threading.Event().wait()
    if name in config.get("raise_in", ()):
        raise RuntimeError(f"{name} raises as asked")


def survive(config: dict, name: str, **fields: str) -> None:
    """The stop goes on whatever its callbacks raise."""
    try:
        happen(config, name, **fields)
    except RuntimeError as error:
        print(error, flush=True)  # noqa: T201 - a server in the foreground logs to standard output


@functools.cache
def events(path: str) -> int:
    """The FIFO, opened at the first event; only the opening must not wait for a reader."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC)
    os.set_blocking(descriptor, True)
    return descriptor


def echo(connection: socket.socket) -> bool:
    """Each line back."""
    for line in connection.makefile("rb"):
        connection.sendall(line)
    return False


def probe(connection: socket.socket) -> bool:
    """Each line a command, each answer a line; whether the connection is kept."""
    lines = connection.makefile("rb")
    for line in lines:
        name, _, rest = line.decode("utf-8", "replace").rstrip("\r\n").partition(" ")
        match name:
            case "raise":
                raise RuntimeError(f"dispatch raises as asked {rest}".rstrip())
            case "exit":
                os._exit(int(rest))
            case "hang":
                threading.Event().wait()
            case "close":
                connection.close()
                return False
            case "detach":
                connection.sendall(b"ok\n")
                kept.append(socket.socket(fileno=os.dup(connection.fileno())))
                return True
            case "send":
                count = int(rest)
                connection.sendall((bytes(range(256)) * (count // 256 + 1))[:count])
            case "receive":
                connection.sendall(f"ok {hashlib.sha256(lines.read(int(rest))).hexdigest()}\n".encode())
            case _:
                connection.sendall(f"{answer(name, rest)}\n".encode())
    return False


kept: list[socket.socket] = []


def answer(name: str, rest: str) -> str:
    """The answers of one line."""
    match name:
        case "echo":
            return f"ok {rest}"
        case "sleep":
            time.sleep(float(rest))
            return "ok"
        case "pid" | "ppid":
            return f"ok {os.getpid() if name == 'pid' else os.getppid()}"
        case "thread":
            return f"ok {threading.get_ident()}"
        case "cwd":
            return f"ok {Path.cwd()}"
        case "umask":
            return f"ok {own_status()['Umask'].strip()}"
        case "fds":
            return f"ok {len(list(Path('/proc/self/fd').iterdir()))}"
        case "ids":
            status = own_status()
            users, groups = (",".join(status[key].split()[:3]) for key in ("Uid", "Gid"))
            return f"ok {users} {groups} {','.join(map(str, sorted(os.getgroups())))}"
        case _:
            return f"error unknown command {name}"


def own_status() -> dict[str, str]:
    """What the kernel tells of this process."""
    return dict(line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines())


def listen(address: object) -> socket.socket:
    """A listening socket for `HOST:PORT`, `tcp://HOST:PORT` or `unix:PATH`."""
    if not isinstance(address, str):
        sys.exit(NOT_OFFERED)
    if address.startswith("unix:"):
        path = address.removeprefix("unix:").replace("///", "/", 1)
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(path)
        listening.listen(Server.request_queue_size)
        return listening
    host, _, port = address.removeprefix("tcp://").rpartition(":")
    if not host or not port.isdecimal() or "/" in host:
        sys.exit(f"address: expected HOST:PORT or unix:PATH, got {address!r}")
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    return socket.create_server((host.strip("[]"), int(port)), family=family, backlog=Server.request_queue_size)


def described(name: object) -> str:
    """Where it listens, as text."""
    if isinstance(name, str):
        return f"unix:{name}"
    host, port = name[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def attributes_of(config: dict) -> dict:
    """The server's attributes, checked."""
    attributes = {name: default for name, (default, _) in ATTRIBUTES.items()} | config.get("server", {})
    for name, value in attributes.items():
        if name not in ATTRIBUTES:
            sys.exit(f"{name} is no attribute of a server")
        default, least = ATTRIBUTES[name]
        kinds = (int,) if isinstance(default, int) else (int, float)
        if not isinstance(value, kinds) or isinstance(value, bool) or value < least:
            sys.exit(f"{name} cannot be {value!r}")
    if attributes["process_num"] > 0:
        sys.exit(NOT_OFFERED)
    return attributes


def main(path: str) -> None:
    """Run the server that the file describes."""
    config = json.loads(Path(path).read_text(encoding="utf-8"))
    if config["mode"] != "server" or config["handler"] not in ("echo", "probe"):
        sys.exit(NOT_OFFERED)
    attributes = attributes_of(config)
    listening = listen(config["daemon"]["listen_address"])
    name = listening.getsockname()
    address = described(name)
    server = Server(listening, config, attributes)
    for number, state in ((signal.SIGTERM, "graceful"), (signal.SIGINT, "forced")):
        signal.signal(number, lambda _number, _frame, state=state: server.stop(state))
    for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH):
        signal.signal(number, signal.SIG_IGN)  # There are no statistics.
    try:
        happen(config, "before_start", address=address)
        try:
            happen(config, "preprocess")
            server.run()
        finally:
            survive(config, "postprocess")
            survive(config, "after_stop")
    except RuntimeError as error:
        sys.exit(str(error))
    finally:
        if isinstance(name, str):
            Path(name).unlink()


if __name__ == "__main__":
    main(sys.argv[1])
