"""The events FIFO: one JSON line for each callback, one write for each line."""

import contextlib
import json
import os


class Events:
    """A FIFO that is opened at the first event; nothing that goes wrong with it harms the testee."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor: int | None = None

    def report(self, name: str, **fields: object) -> None:
        """Append `{"event": name, "pid": ..., ...}` as one line."""
        line = json.dumps({"event": name, "pid": os.getpid(), **fields}, default=str)
        # Without a reader there is nobody who could miss the line.
        with contextlib.suppress(OSError):
            os.write(self._open(), f"{line}\n".encode())

    def _open(self) -> int:
        if self._descriptor is None:
            # Non-blocking only for the opening, which would wait for a reader; a slow reader is waited for.
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC)
            os.set_blocking(self._descriptor, True)
        return self._descriptor
