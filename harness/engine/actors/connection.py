"""One connection of a client: bytes out, lines in, and how it ended.

    send      ->  kernel; what it does not take goes when the socket is writable
    readable  ->  recv  ->  LineCutter  ->  unread lines, each a moment of the timeline  ->  whoever waits
                        ->  end of file or reset, the last thing that a connection gives

Nothing but `dial` waits here: who waits for a line looks again at every beat of the timeline. A peer that sends much
more than anybody reads is not read from for a while, as by any slow reader, so that memory stays bounded.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import socket
import ssl
import struct
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, assert_never

from harness.engine.actors.lines import Line, LineCutter, LineEnd
from harness.engine.actors.secure import SecureSocket, is_alert, tls_reason
from harness.engine.endpoints import Endpoint, TcpEndpoint, UnixEndpoint
from harness.engine.shown import show_text
from harness.engine.waits import Limit, until
from harness.model.steps import Closing, End
from harness.model.timeline import What

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.engine.timeline import Mark, Pulse, Timeline

_READ_SIZE = 64 * 1024
_UNREAD_LINES = 1000
_RECORDED_LINES = 5000
"""Lines of one connection that go to the timeline."""
_SHOWN = 200
_DIAL_AGAIN = 0.005
"""Seconds between two tries while the backlog of a Unix socket is full, which the kernel announces to nobody."""
_LINGER_RESET = struct.pack("ii", 1, 0)

SocketAddress: TypeAlias = "tuple[str, int] | str"


@dataclass(frozen=True, slots=True)
class Received:
    """A line that came, when, and the moment in the timeline that shows it."""

    line: Line
    mark: Mark
    moment: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The peer's side is over: `how`, the errno's name where there is one, when, and its moment in the timeline."""

    how: End
    error: str | None
    mark: Mark
    moment: int

    def __str__(self) -> str:
        match self.how, self.error:
            case (End.CLOSED, _):
                return "closed by the peer"
            case (End.RESET, _) | (_, None):
                return "reset by the peer"
            case (End.ALERT, error):
                return f"ended by the peer with a TLS {error}"
            case _, error:
                return f"broken ({error})"


HALF_CLOSED = "sending half closed"
"""What the timeline says of a connection that goes on; every other such moment is its end."""


def errno_name(error: OSError) -> str:
    """`ECONNREFUSED` and the like; what went wrong with TLS in its own words."""
    if isinstance(error, ssl.SSLError):
        return tls_reason(error)
    return errno.errorcode.get(error.errno or 0, type(error).__name__)


def resolve(endpoint: Endpoint) -> tuple[socket.AddressFamily, SocketAddress]:
    """The family and the address for connect(2); a host's name is looked up, IPv4 first.

    Raises OSError when there is no such name.
    """
    match endpoint:
        case UnixEndpoint(path):
            return socket.AF_UNIX, path
        case TcpEndpoint(host, port):
            with suppress(ValueError):
                is_v6 = ipaddress.ip_address(host.partition("%")[0]).version == 6
                return socket.AF_INET6 if is_v6 else socket.AF_INET, (host, port)
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            family, _, _, _, address = min(found, key=lambda one: one[0] is not socket.AF_INET)
            return family, (str(address[0]), port)
        case _:
            assert_never(endpoint)


def new_socket(family: socket.AddressFamily) -> socket.socket:
    """A stream socket that never blocks, and sends at once what it is given."""
    sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    if family is not socket.AF_UNIX:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


async def dial(endpoint: Endpoint, *, pulse: Pulse, limit: Limit) -> socket.socket:
    """A connected socket. Raises OSError when it is refused, StepFailedError when the limit is reached."""
    family, address = resolve(endpoint)
    sock = new_socket(family)
    try:
        if family is socket.AF_UNIX:
            await until(
                pulse,
                lambda: _try_now(sock, address),
                limit=limit,
                waited_for=f"place in the backlog of {endpoint}",
                every=_DIAL_AGAIN,
            )
        else:
            await _connect(sock, address, pulse=pulse, limit=limit, waited_for=f"connection to {endpoint}")
    except BaseException:
        sock.close()
        raise
    return sock


def _try_now(sock: socket.socket, address: SocketAddress) -> bool | None:
    try:
        sock.connect(address)
    except BlockingIOError:
        return None
    return True


async def _connect(sock: socket.socket, address: SocketAddress, *, pulse: Pulse, limit: Limit, waited_for: str) -> None:
    loop = asyncio.get_running_loop()
    settled: int | None = None

    def settle() -> None:
        # At once: a peer that accepts and resets may be quicker than whoever waits for this.
        nonlocal settled
        settled = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        loop.remove_writer(sock)
        pulse.beat()

    with suppress(BlockingIOError):
        sock.connect(address)
        return
    loop.add_writer(sock, settle)
    try:
        number = await until(pulse, lambda: settled, limit=limit, waited_for=waited_for)
    finally:
        loop.remove_writer(sock)
    if number:
        raise OSError(number, os.strerror(number))


class Connection:
    """A connected socket of the actor; it is closed by `close`, and read from as long as that has not happened.

    With `reads_ahead` false nothing is read before somebody asks for a line, so the peer has only the kernel's room.
    """

    def __init__(
        self, actor: str, sock: socket.socket | SecureSocket, timeline: Timeline, *, reads_ahead: bool = True
    ) -> None:
        self._actor = actor
        self._sock: socket.socket | SecureSocket | None = sock
        self._timeline = timeline
        self._cutter = LineCutter()
        self._unread: deque[Received] = deque()
        self._unsent = bytearray()
        self._recorded = 0
        self._is_reading = False
        self._most_unread = _UNREAD_LINES if reads_ahead else 1
        self._diversion: Callable[[bytes], None] | None = None
        self.ended: Ended | None = None
        """How the peer ended it; None while it has not."""
        self.send_error: str | None = None
        """The errno's name, once the kernel has refused to take more."""
        self.received = 0
        """Bytes received so far."""
        self.local = _spell_local(sock)
        """Its own address."""
        self.protocol = sock.protocol if isinstance(sock, SecureSocket) else None
        """What ALPN has agreed on, if anything."""
        with_tls = f", {sock}" if isinstance(sock, SecureSocket) else ""
        self.opened = timeline.record(actor, What.CONNECTED, f"to {_spell_peer(sock)} from {self.local}{with_tls}")
        """The moment at which it was opened."""
        if reads_ahead:
            self._read_on()

    @property
    def unsent(self) -> int:
        """Bytes that the kernel has not taken yet."""
        return len(self._unsent)

    @property
    def partial(self) -> str:
        """What has come of a line that has not ended."""
        return self._cutter.partial

    @property
    def unread_line(self) -> str | None:
        """The next line, which stays there; None while there is none."""
        return self._unread[0].line.text if self._unread else None

    @property
    def is_unix(self) -> bool:
        """Whether it is a Unix domain socket."""
        return self._sock is not None and self._sock.family is socket.AF_UNIX

    def send(self, data: bytes) -> int:
        """Hand data to the kernel, now or as it takes it; gives the moment of doing so."""
        moment = self._timeline.record(
            self._actor, What.SENT, show_text(data.decode(errors="backslashreplace"), limit=_SHOWN)
        )
        is_first = not self._unsent
        self._unsent += data
        if is_first:
            self._flush()
        return moment

    def next(self) -> Received | Ended | None:
        """Take the next line; when there is none any more, how the connection ended; None if neither has come."""
        if self._unread:
            received = self._unread.popleft()
            if self._most_unread > 1:
                self._read_on()
            return received
        self._read_on()
        return self.ended

    def divert(self, to: Callable[[bytes], None] | None) -> None:
        """Give the bytes that come from now on to somebody else, or with None cut them into lines again.

        What has come of a line that has not ended goes there first.
        """
        self._diversion = to
        if to is not None and (partial := self._cutter.take_partial()):
            to(partial)

    def take(self, data: bytes) -> None:
        """Cut into lines, or divert, what has come."""
        if self._diversion is not None:
            self._diversion(data)
            return
        for line in self._cutter.feed(data):
            self._add(line)

    def close(self, how: Closing = Closing.ALL) -> int:
        """End it from this side, and give the moment. Raises OSError when the sending half is closed already."""
        assert self._sock is not None
        match how:
            case Closing.WRITE:
                self._sock.shutdown(socket.SHUT_WR)
                return self._timeline.record(self._actor, What.CLOSED, HALF_CLOSED)
            case Closing.RESET:
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
                sock = self._detached()
                if isinstance(sock, SecureSocket):
                    sock.drop()
                elif sock is not None:
                    sock.close()
                return self._timeline.record(self._actor, What.CLOSED, "reset")
            case Closing.ALL:
                self.release()
                return self._timeline.record(self._actor, What.CLOSED, "closed")
            case _:
                assert_never(how)

    def release(self) -> None:
        """Let go of the socket; it may be called twice."""
        sock = self._detached()
        if sock is not None:
            sock.close()

    def _detached(self) -> socket.socket | SecureSocket | None:
        """The socket, which nothing here touches any more."""
        sock = self._sock
        if sock is not None:
            self._stop_reading()
            asyncio.get_running_loop().remove_writer(sock)
            self._sock = None
        return sock

    def _flush(self) -> None:
        assert self._sock is not None
        loop = asyncio.get_running_loop()
        try:
            while self._unsent:
                del self._unsent[: self._sock.send(self._unsent)]
        except BlockingIOError:
            loop.add_writer(self._sock, self._flush)
            return
        except OSError as error:
            self._unsent.clear()
            self._on_send_failed(error)
        loop.remove_writer(self._sock)
        self._timeline.pulse.beat()

    def _on_send_failed(self, error: OSError) -> None:
        """Nobody takes it. What had come before can still be read; after it, this is the end."""
        self.send_error = errno_name(error)
        while self.ended is None and self._read_some():
            pass

    def _read_on(self) -> None:
        if self._sock is None or self.ended is not None or self._is_reading or len(self._unread) >= self._most_unread:
            return
        self._is_reading = True
        asyncio.get_running_loop().add_reader(self._sock, self._read_some)

    def _stop_reading(self) -> None:
        if self._sock is not None and self._is_reading:
            self._is_reading = False
            asyncio.get_running_loop().remove_reader(self._sock)

    def _read_some(self) -> bool:
        """Whether there was something, and there may be more."""
        assert self._sock is not None
        try:
            data = self._sock.recv(_READ_SIZE)
        except BlockingIOError:
            return False
        except OSError as error:
            self._finish(_how(error), errno_name(error))
            return False
        if not data:
            # A failed send has taken the reset from the socket: what is left of it looks like an end in good order.
            is_reset = self.send_error == "ECONNRESET"
            self._finish(End.RESET if is_reset else End.CLOSED, self.send_error if is_reset else None)
            return False
        self.received += len(data)
        self.take(data)
        if len(self._unread) >= self._most_unread:
            self._stop_reading()
        self._timeline.pulse.beat()
        return True

    def _finish(self, how: End, error: str | None) -> None:
        if (last := self._cutter.finish()) is not None:
            self._add(last)
        self._end(how, error)

    def _end(self, how: End, error: str | None) -> None:
        self._stop_reading()
        text = "end of file from the peer" if how is End.CLOSED else error or "reset"
        moment = self._timeline.record(self._actor, What.CLOSED, text)
        self.ended = Ended(how, error, self._timeline.mark_of(moment), moment)

    def _add(self, line: Line) -> None:
        match line.end:
            case LineEnd.NEWLINE:
                note = ""
            case LineEnd.STREAM_END:
                note = ", and no newline"
            case LineEnd.TOO_LONG:
                note = " and more: too long for a line"
            case _:
                assert_never(line.end)
        if self._recorded < _RECORDED_LINES:
            text = show_text(line.text, limit=_SHOWN) + note
            moment = self._timeline.record(self._actor, What.RECEIVED, text)
            mark = self._timeline.mark_of(moment)
        elif self._recorded == _RECORDED_LINES:
            moment = self._timeline.record(
                self._actor, What.NOTE, f"more than {_RECORDED_LINES} lines: the rest is not shown"
            )
            mark = self._timeline.mark_of(moment)
        else:
            mark = self._timeline.mark()
            moment = mark.index - 1
        self._recorded += 1
        self._unread.append(Received(line, mark, moment))


def _how(error: OSError) -> End:
    if error.errno == errno.ECONNRESET:
        return End.RESET
    return End.ALERT if is_alert(error) else End.ANY


def _spell_local(sock: socket.socket | SecureSocket) -> str:
    return _spell(sock.getsockname())


def _spell_peer(sock: socket.socket | SecureSocket) -> str:
    try:
        return _spell(sock.getpeername())
    except OSError:  # It has ended already.
        return "a peer that has gone"


def _spell(address: object) -> str:
    match address:
        case (str(host), int(port), *_):
            return str(TcpEndpoint(host, port))
        case bytes():
            return f"unix:{address.decode(errors='backslashreplace')}"
        case _:
            return f"unix:{address}"
