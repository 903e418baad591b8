"""A server for tests to talk to, in a process of its own: `python probe_server.py '{"attributes": {...}, ...}'`.

Every callback, and `ready`, writes one JSON line to standard output. A connection is a conversation of lines: each line
is a command, each answer one line.
"""

import contextlib
import ctypes
import json
import os
import socket
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import riser
from riser.listener import Listener, read_address

LEAKED: list[object] = []
HOGGED: list[int] = []


class FaultError(Exception):
    """What this server raises where a test asks for it."""


def tell(event: str, **fields: object) -> None:
    os.write(1, (json.dumps({"event": event, "pid": os.getpid(), **fields}) + "\n").encode())


def hang() -> None:
    threading.Event().wait()


def sleep(_connection: socket.socket, seconds: str) -> str:
    time.sleep(float(seconds))
    return "slept"


def freeze(connection: socket.socket, _argument: str) -> str:
    # Keeps the interpreter to itself from the word on until one byte more comes: no other thread of this process runs.
    libc, interval = ctypes.PyDLL(None), sys.getswitchinterval()
    sys.setswitchinterval(1000)
    libc.write(connection.fileno(), b"frozen\n", 7)
    libc.read(connection.fileno(), ctypes.create_string_buffer(1), 1)
    sys.setswitchinterval(interval)
    return "thawed"


def fork(connection: socket.socket, _argument: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # It says that there are threads, and there are.
        if os.fork() == 0:
            connection.recv(1)
            os._exit(0)
    return "forked"


def fail(_connection: socket.socket, message: str) -> str:
    raise FaultError(message)


def close(connection: socket.socket, _argument: str) -> None:
    os.close(connection.detach())
    hang()


def detach(connection: socket.socket, _argument: str) -> None:
    connection.detach()


def leak(connection: socket.socket, _argument: str) -> None:
    LEAKED.append(connection.makefile("rb"))


def hog(_connection: socket.socket, _argument: str) -> str:
    with contextlib.suppress(OSError):
        while True:
            HOGGED.append(os.open("/dev/null", os.O_RDONLY))
    return str(len(HOGGED))


def release(_connection: socket.socket, _argument: str) -> str:
    while HOGGED:
        os.close(HOGGED.pop())
    return "released"


COMMANDS: dict[str, Callable[[socket.socket, str], str | None]] = {
    "echo": lambda _connection, text: text,
    "pid": lambda _connection, _argument: str(os.getpid()),
    "sleep": sleep,
    "hang": lambda _connection, _argument: hang(),
    "freeze": freeze,
    "fork": fork,
    "raise": fail,
    "exit": lambda _connection, status: os._exit(int(status)),
    "close": close,
    "detach": detach,
    "leak": leak,
    "hog": hog,
    "release": release,
}
"""To each command the function that answers it; None ends the conversation."""


def talk(connection: socket.socket) -> None:
    tell("dispatch")
    reader = connection.makefile("rb", buffering=0)
    while line := reader.readline():
        command, _, argument = line.decode().rstrip("\n").partition(" ")
        said = COMMANDS[command](connection, argument)
        if said is None:
            return
        connection.sendall(said.encode() + b"\n")


def main() -> None:
    asked = json.loads(sys.argv[1])
    listener = Listener.open(read_address(asked.get("listen", "127.0.0.1:0")))
    server = riser.SocketServer()
    # On a busy machine a child may be slow to read, and what it is dealt would be another's: no test expects that but
    # those that are about it.
    server.process_send_io_polling_timeout_seconds = 60.0
    for name, value in asked.get("attributes", {}).items():
        setattr(server, name, value)

    def note(event: str, **fields: object) -> None:
        tell(event, **fields)
        if event in asked.get("raise_in", ()) and Path(asked.get("raise_if", "/")).exists():
            raise FaultError(f"a fault in {event}")
        if event in asked.get("hang_in", ()):
            hang()
        if event in asked.get("exit_in", ()):
            os._exit(3)

    server.before_start(lambda listening: note("before_start", name=listening.getsockname()))
    server.at_fork(lambda: note("at_fork"))
    server.at_stop(lambda state: note("at_stop", state=state))
    server.at_stat(lambda report: note("at_stat", report=report))
    server.preprocess(lambda: note("preprocess"))
    server.postprocess(lambda: note("postprocess"))
    server.after_stop(lambda: note("after_stop"))
    server.dispatch(talk)
    tell("listening", name=listener.socket.getsockname())
    server.start(listener.socket, ready=lambda: tell("ready"), latch=asked.get("latch"))
    tell("done")


if __name__ == "__main__":
    main()
