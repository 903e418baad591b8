"""One client of a load: an operation after another, on the loop's callbacks, without a task of its own.

    begin -> connect (-> TLS) -> send -> receive -> succeeded | failed -> (pause) -> begin ...
      |         a kept connection skips these: `begin` looks whether the peer has ended it meanwhile
      '-> the work gives out no number any more: finished

Callbacks instead of coroutines because a load must not be slower than what it measures: an operation on a kept
connection costs two system calls and one turn of the loop.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from dataclasses import dataclass
from typing import Protocol

from harness.engine.actors.connection import SocketAddress, errno_name, new_socket
from harness.engine.actors.lines import LONGEST_LINE
from harness.engine.actors.secure import HandshakeError, SecureSocket, Security, tls_reason
from harness.engine.actors.tally import Cause
from harness.engine.shown import show_text
from harness.engine.verdicts import StepErroredError

_READ_SIZE = 64 * 1024
_DIAL_AGAIN = 0.005
"""Seconds until a Unix socket whose backlog is full is tried again, for the kernel announces room to nobody."""
AFTER_FAILURE = 0.01
"""Seconds that a client waits after an operation that failed, at least."""
_REFUSED = (errno.ECONNREFUSED, errno.ENOENT)
_RESET = (errno.ECONNRESET, errno.EPIPE)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, and what has come after it; `problem` is what is wrong with it whatever is expected."""

    text: bytes
    rest: bytes
    is_kept: bool = True
    """Whether the connection may serve another operation."""
    problem: str | None = None


class Work(Protocol):
    """What a caller is given to do, and whom it tells what came of it."""

    @property
    def keeps_connections(self) -> bool:
        """Whether an operation leaves its connection to the next one."""

    @property
    def pause(self) -> float:
        """Seconds between two operations of one caller."""

    @property
    def security(self) -> Security | None:
        """How its callers speak TLS, if they do."""

    def now(self) -> float:
        """The time on the timeline."""

    def next_number(self) -> int | None:
        """The number of the next operation; None when there is to be no more."""

    def request(self, number: int) -> bytes:
        """What the operation sends."""

    def answer_in(self, got: bytes, *, is_over: bool) -> Answer | None:
        """The answer at the beginning of what has come; None while it is not whole. `is_over`: no more will come."""

    def judge(self, number: int, line: bytes) -> str | None:
        """What is wrong with the line or body that answers the operation; None if nothing is."""

    def address(self) -> tuple[socket.AddressFamily, SocketAddress]:
        """Where to connect. Raises OSError for a host's name that means nothing, LookupError while there is none."""

    def succeeded(self, began: float, line: bytes) -> int | None:
        """An operation has got its answer, now. Gives the process that has answered, where the line tells."""

    def failed(self, caller: int, number: int, *, began: float, cause: Cause, detail: str, server: int | None) -> None:
        """An operation has failed, now; `server` is the process that answered the one before on this connection."""

    def finished(self) -> None:
        """A caller has no more to do."""


class Caller:
    """A client of a load; `index` counts from 1."""

    def __init__(self, index: int, work: Work) -> None:
        self.index = index
        self._work = work
        self._loop = asyncio.get_running_loop()
        self._sock: socket.socket | SecureSocket | None = None
        self._pause: asyncio.TimerHandle | None = None
        self._dial: asyncio.TimerHandle | None = None
        self._number: int | None = None
        """Of the operation under way."""
        self._began = 0.0
        self._unsent = b""
        self._got = b""
        self._is_connecting = False
        self._is_agreeing = False
        """Whether the TLS handshake is under way."""
        self._server: int | None = None
        self._error: OSError | None = None
        """What a kept connection broke with while no operation was under way."""

    def begin(self) -> None:
        """Begin the next operation, or finish."""
        self._pause = None
        number = self._work.next_number()
        if number is None:
            self.release()
            self._work.finished()
            return
        self._number = number
        self._began = self._work.now()
        self._unsent = self._work.request(number)
        self._look_for_an_end()
        if self._sock is None:
            self._connect()
        elif self._error:
            self._fail_by(self._error, "between two operations: ")
        else:
            self._send()
            self._look()

    def check_limit(self, limit: float) -> None:
        """Fail the operation under way if it has taken longer than `limit` seconds."""
        if self._number is not None and self._work.now() - self._began > limit:
            self._fail(Cause.LATE, self._came_so_far())

    def cancel(self) -> None:
        """End a pause at once, for nothing comes after it."""
        if self._pause is not None:
            self._pause.cancel()
            self.begin()

    def release(self) -> None:
        """Let go of the connection and of everything that is planned; it may be called twice."""
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        self._drop()
        self._number = None

    def _look_for_an_end(self) -> None:
        """Drop a kept connection that the peer has ended in good order, and keep the error of one that broke."""
        if self._sock is None or self._error:
            return
        try:
            if isinstance(self._sock, SecureSocket):
                # Nothing can be looked at before it is deciphered: what came unasked is kept, for the operation to see.
                data = self._sock.recv(_READ_SIZE)
                self._got += data
            else:
                data = self._sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return
        except OSError as error:
            self._error = error
            return
        if not data:
            self._drop()

    def _connect(self) -> None:
        self._is_connecting = True
        try:
            family, address = self._work.address()
            self._sock = sock = new_socket(family)
            error = sock.connect_ex(address)
        except LookupError as missing:
            self._fail(Cause.BROKEN, str(missing))
            return
        except OSError as broken:  # No such name, a path that is too long, no descriptor left.
            self._fail(Cause.BROKEN, f"connect: {errno_name(broken)}")
            return
        self._on_dialled(sock, error, address)

    def _on_dialled(self, sock: socket.socket, error: int, address: SocketAddress) -> None:
        match error:
            case 0:
                self._on_connected(sock)
            case errno.EINPROGRESS:
                self._loop.add_writer(sock, self._on_settled, sock)
            case errno.EAGAIN:
                self._dial = self._loop.call_later(_DIAL_AGAIN, self._dial_again, sock, address)
            case _:
                self._fail_with(error, "connect: ")

    def _dial_again(self, sock: socket.socket, address: SocketAddress) -> None:
        self._dial = None
        self._on_dialled(sock, sock.connect_ex(address), address)

    def _on_settled(self, sock: socket.socket) -> None:
        self._loop.remove_writer(sock)
        error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            self._fail_with(error, "connect: ")
        else:
            self._on_connected(sock)

    def _on_connected(self, sock: socket.socket) -> None:
        self._is_connecting = False
        security = self._work.security
        if security is None:
            self._loop.add_reader(sock, self._on_readable)
            self._send()
            return
        try:
            secure = SecureSocket(sock, security)
        except StepErroredError as error:
            self._fail(Cause.BROKEN, error.message)
            return
        self._sock = secure
        self._is_agreeing = True
        self._loop.add_reader(secure, self._agree, secure)
        self._agree(secure)

    def _agree(self, secure: SecureSocket) -> None:
        """Go on with the handshake; its few bytes always find room in the empty buffer of a new connection."""
        try:
            is_agreed = secure.agree()
        except HandshakeError as error:
            self._fail(Cause.UNSAFE, error.reason)
            return
        if is_agreed:
            self._is_agreeing = False
            self._loop.add_reader(secure, self._on_readable)
            self._send()

    def _send(self) -> None:
        assert self._sock is not None
        try:
            sent = self._sock.send(self._unsent)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._fail_by(error, "send: ")
            return
        if sent < len(self._unsent):
            self._unsent = self._unsent[sent:]
            self._loop.add_writer(self._sock, self._send_on)

    def _send_on(self) -> None:
        assert self._sock is not None
        self._loop.remove_writer(self._sock)
        self._send()

    def _on_readable(self) -> None:
        assert self._sock is not None
        try:
            data = self._sock.recv(_READ_SIZE)
        except BlockingIOError:
            return
        except OSError as error:
            if self._number is not None:
                self._fail_by(error, "")
            else:
                self._error = error
                self._loop.remove_reader(self._sock)
            return
        if not data:
            self._on_end()
            return
        self._got += data
        self._look()
        if self._number is None and len(self._got) > LONGEST_LINE:
            self._loop.remove_reader(self._sock)  # More than any answer, and unasked: the next operation fails by it.

    def _on_end(self) -> None:
        if self._number is None:
            self._drop()
        elif not self._look(is_over=True):
            self._fail(Cause.CLOSED, self._came())

    def _look(self, *, is_over: bool = False) -> bool:
        """Settle the operation if its answer is there; whether that was so. What came unasked counts too."""
        if self._number is None:
            return False
        answer = self._work.answer_in(self._got, is_over=is_over)
        if answer is not None:
            problem = answer.problem or self._work.judge(self._number, answer.text)
            if problem is None:
                self._succeed(answer)
            else:
                self._fail(Cause.WRONG, problem)
            return True
        return False

    def _succeed(self, answer: Answer) -> None:
        self._number = None
        self._server = self._work.succeeded(self._began, answer.text)
        self._got = answer.rest
        if not (self._work.keeps_connections and answer.is_kept):
            self._drop()
        self._go_on(self._work.pause)

    def _fail_by(self, error: OSError, where: str) -> None:
        if isinstance(error, ssl.SSLError):
            self._fail(Cause.BROKEN, where + tls_reason(error))
        else:
            self._fail_with(error.errno or 0, where)

    def _fail_with(self, error: int, where: str) -> None:
        name = errno.errorcode.get(error, os.strerror(error))
        if error in _REFUSED and self._is_connecting:
            self._fail(Cause.REFUSED, where + name if error != errno.ECONNREFUSED else "")
        elif error in _RESET:
            self._fail(Cause.RESET, "between two operations" if self._error else self._came())
        else:
            self._fail(Cause.BROKEN, where + name)

    def _fail(self, cause: Cause, detail: str) -> None:
        assert self._number is not None
        number, self._number = self._number, None
        server = self._server
        self._drop()
        self._work.failed(self.index, number, began=self._began, cause=cause, detail=detail, server=server)
        self._go_on(max(AFTER_FAILURE, self._work.pause))

    def _go_on(self, pause: float) -> None:
        if pause or self._got:  # With something left to look at, not from within a look.
            self._pause = self._loop.call_later(pause, self.begin)
        else:
            self.begin()

    def _came_so_far(self) -> str:
        if self._is_agreeing:
            return "in the TLS handshake"
        return "not accepted" if self._is_connecting else self._came()

    def _came(self) -> str:
        return f"{show_text(_decoded(self._got))} came" if self._got else "nothing came"

    def _drop(self) -> None:
        self._got = b""
        self._error = None
        self._server = None
        self._is_connecting = self._is_agreeing = False
        if self._dial is not None:
            self._dial.cancel()
            self._dial = None
        if self._sock is not None:
            self._loop.remove_reader(self._sock)
            self._loop.remove_writer(self._sock)
            self._sock.close()
            self._sock = None


def _decoded(data: bytes) -> str:
    return data.decode(errors="backslashreplace")
