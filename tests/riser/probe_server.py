"""A server for tests to talk to, in a process of its own: `python probe_server.py '{"attributes": {...}, ...}'`.

Every callback, and `ready`, writes one JSON line to standard output. A connection is a conversation of lines: each line
is a command, each answer one line.
"""

import ctypes
import json
import os
import socket
import sys
import threading
import time
from typing import Any

import riser
from riser.listener import Listener, read_address


class Fault(Exception):
    """What this server raises where a test asks for it."""


def tell(event: str, **fields: object) -> None:
    os.write(1, (json.dumps({"event": event, "pid": os.getpid(), **fields}) + "\n").encode())


def answer(connection: socket.socket, command: str, argument: str) -> str | None:
    """The answer to one command; None ends the conversation."""
    match command:
        case "echo":
            return argument
        case "pid":
            return str(os.getpid())
        case "sleep":
            time.sleep(float(argument))
            return "slept"
        case "hang":
            threading.Event().wait()
        case "freeze":
            ctypes.PyDLL(None).sleep(int(argument))  # holds the interpreter: no thread of this process runs
            return "thawed"
        case "raise":
            raise Fault(argument)
        case "exit":
            os._exit(int(argument))
        case "close":
            connection.close()
            threading.Event().wait()
        case "detach":
            connection.detach()
            return None
        case "leak":
            LEAKED.append(connection.makefile("rb"))
            return None
        case "fds":
            return str(len(os.listdir("/proc/self/fd")))
        case "hog":
            while True:
                try:
                    HOGGED.append(os.open("/dev/null", os.O_RDONLY))
                except OSError:
                    break
            return str(len(HOGGED))
        case "release":
            while HOGGED:
                os.close(HOGGED.pop())
            return "released"
    return None


LEAKED: list[Any] = []
HOGGED: list[int] = []


def talk(connection: socket.socket) -> None:
    tell("dispatch")
    reader = connection.makefile("rb", buffering=0)
    while line := reader.readline():
        command, _, argument = line.decode().rstrip("\n").partition(" ")
        said = answer(connection, command, argument)
        if said is None:
            return
        connection.sendall(said.encode() + b"\n")


def main() -> None:
    asked = json.loads(sys.argv[1])
    listener = Listener.open(read_address(asked.get("listen", "127.0.0.1:0")))
    server = riser.SocketServer()
    for name, value in asked.get("attributes", {}).items():
        setattr(server, name, value)

    def note(event: str, **fields: object) -> None:
        tell(event, **fields)
        if event in asked.get("raise_in", ()):
            raise Fault(f"a fault in {event}")
        if event in asked.get("hang_in", ()):
            threading.Event().wait()
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
