"""`ReadPoll`: wait for a client, but not for ever, and know how long it has been silent.

What has been received already counts as readable: a record that TLS has decrypted, lines that a buffered reader
holds. A select on the descriptor alone would miss them, and wait for bytes that the client has no reason to send.
"""

import io
import select
import socket
import time

from riser.connection import is_tls
from riser.stream import Stream, reader_has_data

Pollable = socket.socket | Stream | io.BufferedReader
"""A socket, also of TLS; a stream; or a reader made by `socket.makefile("rb")`."""


class ReadPoll:
    """Watches one connection for something to read (`poll.timeout`, `poll.buffered`)."""

    def __init__(self, source: Pollable) -> None:
        self._source = source
        self._poll = select.poll()
        self._poll.register(source.fileno(), select.POLLIN)
        self.reset_timer()

    def reset_timer(self) -> None:
        """Let the interval begin now."""
        self._since = time.monotonic()

    @property
    def interval_seconds(self) -> float:
        """The time since the last reset or the last success of `poll`, by a clock that nobody can set."""
        return time.monotonic() - self._since

    def poll(self, seconds: float | None) -> bool:
        """Whether something can be read, or the connection has ended, within so many seconds (None: without limit)."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while not self._has_data():
            if not self._poll.poll(_milliseconds_until(deadline)):
                return False
            if not isinstance(self._source, Stream):
                break
        self.reset_timer()
        return True

    def _has_data(self) -> bool:
        match self._source:
            case Stream():
                return self._source.has_data()
            case io.BufferedReader(raw=socket.SocketIO() as raw):
                # The standard library has no other way from a reader to its socket.
                return reader_has_data(self._source, raw._sock)  # type: ignore[attr-defined]  # noqa: SLF001 - as above
            case socket.socket() if is_tls(self._source):
                return self._source.pending() > 0
            case _:
                return False


def _milliseconds_until(deadline: float | None) -> float | None:
    return None if deadline is None else max((deadline - time.monotonic()) * 1000, 0)
