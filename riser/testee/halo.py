"""What the testee does with `http`: one page over connections that are kept, as RISER's halo example does.

    connection -> WriteBufferStream -> LoggingStream (to the log of riser) -> ReadPoll waits for a request
                                                                              -> page, and again, up to the limits

A stop lowers the limits of connections that are open: an idle one ends within a look of its poll, one that is asked
something after its answer.
"""

import http.client
import socket
from typing import Self

from riser.core.record import Record
from riser.logs import LOGGER
from riser.poll import ReadPoll
from riser.stream import LoggingStream, Stream, WriteBufferStream
from riser.testee.config import HttpLimits

PAGE = b"<!DOCTYPE html>\n<html><head><title>halo</title></head><body><p>Hello world.</p></body></html>\n"
_LONGEST_LINE = 8192
_LOOK_SECONDS = 0.1


class Halo:
    """The handler; it keeps connections as long as `limits` say."""

    def __init__(self, limits: HttpLimits) -> None:
        self._limits = limits
        self._patience_seconds = limits.request_timeout_seconds

    def hurry(self) -> None:
        """Keep no connection any longer, those that are open included."""
        self._limits = HttpLimits(1, 0.0)

    def __call__(self, connection: socket.socket) -> None:
        """Serve one connection to its end."""
        connection.settimeout(self._patience_seconds)
        with LoggingStream(WriteBufferStream(connection), LOGGER) as stream:
            poll = ReadPoll(stream)
            count, keep = 0, True
            while keep and self._await_request(poll):
                request = Request.read(stream)
                if request is None:
                    return
                count += 1
                keep = request.keeps_alive and count < self._limits.request_max_count
                stream.write(answer(request, keep=keep))
                stream.flush()
                poll.reset_timer()

    def _await_request(self, poll: ReadPoll) -> bool:
        """Whether the client says something before its time is up."""
        while not poll.poll(_LOOK_SECONDS):
            if poll.interval_seconds >= self._limits.request_timeout_seconds:
                return False
        return True


class Request(Record):
    """What there is to know of a request: what for, and whether another one may follow."""

    method: str
    keeps_alive: bool

    @classmethod
    def read(cls, stream: Stream) -> Self | None:
        """The next request; None for the end of the connection, and for what is no request."""
        match stream.readline(_LONGEST_LINE).decode("latin-1").split():
            case [method, _, "HTTP/1.0" | "HTTP/1.1" as version]:
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
        return cls(method, not has_body and (wish == "keep-alive" or (version == "HTTP/1.1" and wish != "close")))


def answer(request: Request, *, keep: bool) -> bytes:
    """The page for GET and HEAD, whatever its path, and a refusal for everything else."""
    is_welcome = request.method in ("GET", "HEAD")
    status = "200 OK" if is_welcome else "405 Method Not Allowed\r\nAllow: GET, HEAD"
    body = PAGE if is_welcome else b""
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
        f"Connection: {'keep-alive' if keep else 'close'}\r\n\r\n"
    )
    return head.encode() + (b"" if request.method == "HEAD" else body)
