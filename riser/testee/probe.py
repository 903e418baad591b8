"""What the testee does with a connection: `echo`, and `probe`, which does what the scenario says.

A probe answers each line with one line, `ok VALUE` or `error MESSAGE`, so that it is the scenario that decides what
happens, and not the adapter.
"""

import contextlib
import io
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from riser.logs import LOGGER
from riser.poll import ReadPoll
from riser.stream import LoggingStream, Stream, WriteBufferStream

if TYPE_CHECKING:
    from riser.testee.calls import Caller
    from riser.testee.pools import Pools

#: What `send` sends, over and over.
PATTERN = bytes(range(256))

Handler = Callable[["Pools | None", socket.socket], None]
Answers = Iterator[str | bytes]
#: Connections that `detach` has taken from the server: open for as long as the process lives.
_detached: list[int] = []


class _LeaveError(Exception):
    """The command wants dispatch to return."""


def echo(_pools: "Pools | None", connection: socket.socket) -> None:
    """Each line back."""
    with connection.makefile("rb") as lines:
        for line in lines:
            connection.sendall(line)


def probe(pools: "Pools | None", connection: socket.socket) -> None:
    """Each line a command, each answer a line, until the client leaves or a command ends it."""
    with (
        connection.makefile("rb") as lines,
        _calling(pools) as caller,
        contextlib.closing(_Talk(connection, lines, caller)) as talk,
    ):
        while line := talk.readline():
            name, _, argument = line.decode("utf-8", "replace").rstrip("\r\n").partition(" ")
            try:
                for answer in talk.answer(name, argument):
                    talk.say(answer if isinstance(answer, bytes) else f"{answer}\n".encode())
            except _LeaveError:
                return
            except ValueError as error:
                talk.say(f"error {error}\n".encode())


HANDLERS: Mapping[str, Handler] = {"echo": echo, "probe": probe}


@contextlib.contextmanager
def _calling(pools: "Pools | None") -> "Iterator[Caller | None]":
    """What the connection calls and holds, if there is anything to call."""
    if pools is None:
        yield None
        return
    from riser.testee.calls import Caller  # The modules of services are loaded for those who use them.

    with contextlib.closing(Caller(pools)) as caller:
        yield caller


class _Talk:
    """What one connection has set up for itself."""

    def __init__(self, connection: socket.socket, lines: io.BufferedReader, caller: "Caller | None") -> None:
        self._connection = connection
        self._caller = caller
        self._lines = lines
        self._poll = ReadPoll(lines)
        self._stream: Stream = WriteBufferStream(connection)
        self._logged: LoggingStream | None = None

    def readline(self) -> bytes:
        """The next command, its end included; nothing at the end of the connection."""
        return self._lines.readline() if self._logged is None else self._logged.readline()

    def say(self, answer: bytes) -> None:
        """Send it at once."""
        if self._logged is None:
            self._connection.sendall(answer)
        else:
            self._logged.write(answer)

    def close(self) -> None:
        """Let the log know that this is the end."""
        if self._logged is not None:
            self._logged.close()

    def answer(self, name: str, argument: str) -> Answers:
        """The answers to a command; raises ValueError for an argument that cannot be used."""
        match name:
            case "pid" | "ppid" | "thread" | "cwd" | "umask" | "fds" | "ids":
                yield f"ok {_fact(name)}"
            case "echo":
                yield f"ok {argument}"
            case "sleep":
                time.sleep(float(argument))
                yield "ok"
            case "send":
                yield from _pattern(int(argument))
            case "receive":
                from hashlib import sha256  # here, for it loads OpenSSL, and few scenarios ask for it

                yield f"ok {sha256(self._lines.read(int(argument))).hexdigest()}"
            case "poll" | "interval" | "buffer" | "write" | "fill" | "flush" | "log":
                yield from self._use(name, argument)
            case _ if self._caller is not None and name in self._caller.commands:
                yield self._caller.answer(name, argument)
            case _:
                yield from self._end(name, argument)

    def _use(self, name: str, argument: str) -> Answers:
        """The commands that use riser's utilities."""
        match name:
            case "poll":
                yield f"ok {str(self._poll.poll(float(argument))).lower()}"
            case "interval":
                yield f"ok {self._poll.interval_seconds:.6f}"
            case "buffer":
                self._stream = WriteBufferStream(self._connection, int(argument))
                yield "ok"
            case "write":
                self._stream.write(argument.replace("\\n", "\n").encode())
            case "fill":
                self._stream.write(b"." * int(argument))
            case "flush":
                self._stream.flush()
            case "log":
                self._logged = LoggingStream(self._connection, LOGGER)
                self._stream = self._logged
                self._poll = ReadPoll(self._logged)
                yield "ok"

    def _end(self, name: str, argument: str) -> Answers:
        """The commands after which dispatch does not read another one."""
        match name:
            case "raise":
                raise RuntimeError(f"dispatch raises as asked {argument}".rstrip())
            case "exit":
                os._exit(int(argument))
            case "hang":
                threading.Event().wait()
            case "close":
                self._stream.close()
                raise _LeaveError
            case "detach":
                yield "ok"
                _detached.append(self._connection.detach())
                raise _LeaveError
            case _:
                yield f"error unknown command {name}"


def _fact(name: str) -> str:
    match name:
        case "pid":
            return str(os.getpid())
        case "ppid":
            return str(os.getppid())
        case "thread":
            return str(threading.get_native_id())
        case "cwd":
            return os.getcwd()  # noqa: PTH109 - pathlib would cost a daemon more than its own modules
        case "umask":
            # Reading it with umask(2) would set it, for all threads.
            return f"{int(_status('Umask')[0], 8):04o}"
        case "fds":
            return str(len(os.listdir("/proc/self/fd")))  # noqa: PTH208 - as above
        case _:
            groups = ",".join(str(group) for group in sorted(os.getgroups()))
            return f"{','.join(_status('Uid')[:3])} {','.join(_status('Gid')[:3])} {groups}"


def _status(field: str) -> list[str]:
    with open("/proc/self/status", encoding="utf-8") as lines:  # noqa: PTH123 - as above
        for line in lines:
            name, _, value = line.partition(":")
            if name == field:
                return value.split()
    raise ValueError(f"no {field} in /proc/self/status")


def _pattern(count: int) -> Iterator[bytes]:
    block = PATTERN * 256
    while count > 0:
        yield block[:count]
        count -= len(block)
