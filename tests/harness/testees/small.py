"""A testee in few lines, for tests of the engine: `small.py CONFIG.json`, see the testee contract.

It does wrong what FAULTS in its environment asks for: ignore_term, no_preprocess, leave_socket, leave_child,
twice_postprocess, status_N (exit with N).
"""

# ruff: noqa: T201 - a daemon in the foreground writes its log to standard output

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

CONFIG = Path(sys.argv[1])
FAULTS = os.environ.get("FAULTS", "").split()


def read() -> Any:
    return json.loads(CONFIG.read_text())


def callback(name: str, **fields: str) -> None:
    config = read()
    line = json.dumps({"event": name, "pid": os.getpid(), **fields}) + "\n"
    with Path(config["events"]).open("ab", buffering=0) as events:
        events.write(line.encode())
    if name in config.get("raise_in", ()):
        raise RuntimeError(f"told to raise in {name}")
    if name in config.get("exit_in", ()):
        os._exit(9)
    while name in config.get("hang_in", ()):
        time.sleep(60)


class Signals:
    """Signals as bytes of a pipe, so that `select` can wait for them too."""

    def __init__(self) -> None:
        self.reader, writer = os.pipe()
        os.set_blocking(writer, False)
        os.set_blocking(self.reader, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])

    def fileno(self) -> int:
        return self.reader

    def take(self) -> bytes:
        try:
            return os.read(self.reader, 100)
        except BlockingIOError:
            return b""


def listen(address: str) -> tuple[socket.socket, str]:
    """The listening socket, and its address as it is reported."""
    if address.startswith("unix:"):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(address.removeprefix("unix:"))
        name = address
    else:
        host, _, port = address.rpartition(":")
        listener = socket.socket(socket.AF_INET6 if "[" in host else socket.AF_INET)
        listener.bind((host.strip("[]"), int(port)))
        name = f"{host}:{listener.getsockname()[1]}"
    listener.listen()
    listener.setblocking(False)
    return listener, name


def close(name: str) -> None:
    if name.startswith("unix:") and "leave_socket" not in FAULTS:
        Path(name.removeprefix("unix:")).unlink()


def answer(line: str) -> str:
    command, _, rest = line.partition(" ")
    match command:
        case "echo":
            return f"ok {rest}"
        case "pid":
            return f"ok {os.getpid()}"
        case "ppid":
            return f"ok {os.getppid()}"
        case "exit":
            os._exit(int(rest))
        case "fork":
            return f"ok {subprocess.Popen(['sleep', '1000'], start_new_session=True).pid}"
        case _:
            return f"error unknown command {command}"


class Worker:
    """Serves until it is told to stop; connections that it has then are served to their end."""

    def __init__(self, listener: socket.socket, signals: Signals) -> None:
        self.listening = [listener]
        self.signals = signals
        self.buffers: dict[socket.socket, bytes] = {}

    def run(self) -> None:
        if "no_preprocess" not in FAULTS:
            callback("preprocess")
        while self.listening or self.buffers:
            watched: list[Signals | socket.socket] = [self.signals, *self.listening, *self.buffers]
            ready, _, _ = select.select(watched, [], [])
            for each in ready:
                if isinstance(each, Signals):
                    self.take_signals()
                elif each in self.listening:
                    with contextlib.suppress(BlockingIOError):
                        self.buffers[each.accept()[0]] = b""
                elif each in self.buffers:
                    self.serve(each)
        callback("postprocess")
        if "twice_postprocess" in FAULTS:
            callback("postprocess")

    def take_signals(self) -> None:
        for number in self.signals.take():
            if number == signal.SIGTERM and "ignore_term" not in FAULTS and self.listening:
                self.listening = []
                callback("at_stop", state="graceful")
            elif number == signal.SIGINT:
                self.listening = []
                self.buffers = {}
                callback("at_stop", state="forced")

    def serve(self, connection: socket.socket) -> None:
        try:
            data = connection.recv(4096)
            *lines, rest = (self.buffers[connection] + data).split(b"\n")
            for line in lines:
                connection.sendall(f"{answer(line.decode())}\n".encode())
        except ConnectionError:
            data, rest = b"", b""
        if data:
            self.buffers[connection] = rest
        else:
            del self.buffers[connection]
            connection.close()


def child(listener: socket.socket, _name: str) -> None:
    signals = Signals()
    callback("at_fork")
    Worker(listener, signals).run()


def serve(listener: socket.socket, name: str) -> None:
    signals = Signals()
    callback("before_start", address=name)
    number = read()["server"].get("process_num", 0)
    if number == 0:
        Worker(listener, signals).run()
    children = {fork(child, listener, name) for _ in range(number)}
    while children:
        select.select([signals], [], [])
        for number in signals.take():
            if number in (signal.SIGTERM, signal.SIGINT):
                for pid in children:
                    os.kill(pid, number)
        children -= reap()
    callback("after_stop")


def fork(function: Any, listener: socket.socket, name: str) -> int:
    # Until the child has a pipe of its own, its signals wait; the parent's pipe is not for them.
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            function(listener, name)
            status = 0
        finally:
            if status:
                print(f"failed: {sys.exc_info()[1]}", flush=True)
            os._exit(status)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    return pid


def reap() -> set[int]:
    gone = set()
    with contextlib.suppress(ChildProcessError):
        while (pid := os.waitpid(-1, os.WNOHANG)[0]) != 0:
            gone.add(pid)
    return gone


def detach() -> None:
    if between := os.fork():
        os.waitpid(between, 0)  # When the command has returned, nobody finds it among the daemon's processes.
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)


def daemon(parameters: dict[str, Any]) -> None:
    if parameters.get("daemonize"):
        detach()
    with contextlib.ExitStack() as stack:
        if path := parameters.get("status_file"):
            status = stack.enter_context(Path(path).open("a+"))
            fcntl.flock(status, fcntl.LOCK_EX | fcntl.LOCK_NB)
            status.truncate(0)
            status.write(f"pid: {os.getpid()}\n")
            status.flush()
        stop = signal.Signals[f"SIG{parameters.get('signal_stop_graceful', 'TERM')}"]
        supervise(parameters["listen_address"], stop)


def supervise(address: str, stop: int) -> None:
    signals = Signals()
    print("daemon start", flush=True)
    listener, name = listen(address)
    servers = [fork(serve, listener, name)]
    stopping = False
    while servers:
        select.select([signals], [], [])
        for number in signals.take():
            told = list(servers)
            if number == signal.SIGHUP:
                servers.append(fork(serve, listener, name))
            elif number in (stop, signal.SIGINT):
                stopping = True
            else:
                continue
            for pid in told:
                os.kill(pid, signal.SIGINT if number == signal.SIGINT else signal.SIGTERM)
        gone = reap()
        servers = [pid for pid in servers if pid not in gone]
        if not servers and not stopping:
            servers = [fork(serve, listener, name)]
    close(name)
    print("daemon stop", flush=True)


def main() -> int:
    config = read()
    if config["handler"] == "http":
        print("http is not there", flush=True)
        return 127
    if "leave_child" in FAULTS:
        subprocess.Popen(["sleep", "1000"], start_new_session=True)
    if config["mode"] == "daemon":
        daemon(config["daemon"])
    else:
        listener, name = listen(config["daemon"]["listen_address"])
        serve(listener, name)
        close(name)
    return next((int(fault.removeprefix("status_")) for fault in FAULTS if fault.startswith("status_")), 0)


sys.exit(main())
