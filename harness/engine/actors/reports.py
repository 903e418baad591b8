"""The events of a testee: lines of JSON that it appends to a FIFO, one write each.

The harness holds the FIFO open for reading and writing, so it never sees an end of file when the last writer leaves,
and a testee's open never blocks. A write of up to 4096 bytes is one piece, whoever else writes.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.engine.shown import show

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from harness.engine.timeline import Mark

_CAPACITY = 1024 * 1024
"""What the FIFO holds where the kernel allows it: a testee then does not wait for the harness, only the reverse."""
_READ_SIZE = 65536
_LONGEST_TEXT = 160


@dataclass(frozen=True, slots=True)
class Report:
    """One event: what a callback of process `pid` had to say, and where in the timeline it came."""

    mark: Mark
    name: str
    pid: int
    fields: Mapping[str, object]
    """What the event has beside its name and pid: address, state, stat, ..."""


class MalformedReportError(Exception):
    """A line in the FIFO that is no event; the message is a clause that says why."""


def parse_report(line: bytes) -> tuple[str, int, dict[str, object]]:
    """Name, pid and further fields of an event. Raises MalformedReportError."""
    try:
        event = json.loads(line)
    except ValueError:
        raise MalformedReportError("it is not JSON") from None
    if not isinstance(event, dict):
        raise MalformedReportError("it is not a JSON object")
    name = event.pop("event", None)
    if not isinstance(name, str):
        raise MalformedReportError('it has no "event" that is a text')
    pid = event.pop("pid", None)
    if not isinstance(pid, int) or isinstance(pid, bool) or pid <= 0:
        raise MalformedReportError('it has no "pid" that is a process id')
    return name, pid, event


def describe_report(name: str, fields: Mapping[str, object]) -> str:
    """An event in one line, for the timeline."""
    text = " ".join(
        [name, *(f"{key}={value if isinstance(value, str) else show(value)}" for key, value in fields.items())]
    )
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"


class Fifo:
    """The reading end of the events' FIFO; `on_line` gets each line without its end."""

    def __init__(self, path: Path, on_line: Callable[[bytes], None], *, open_to_others: bool = False) -> None:
        os.mkfifo(path)
        if open_to_others:
            path.chmod(0o666)
        self._on_line = on_line
        self._partial = b""
        self._descriptor: int | None = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        with contextlib.suppress(OSError):
            fcntl.fcntl(self._descriptor, fcntl.F_SETPIPE_SZ, _CAPACITY)
        asyncio.get_running_loop().add_reader(self._descriptor, self._read_some)

    def drain(self) -> None:
        """Take in all lines that have been written up to now."""
        while self._descriptor is not None and self._read_some():
            pass

    def release(self) -> None:
        """Read what there is, and close it."""
        self.drain()
        if self._descriptor is not None:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None

    def _read_some(self) -> bool:
        assert self._descriptor is not None
        try:
            data = os.read(self._descriptor, _READ_SIZE)
        except BlockingIOError:
            return False
        *lines, self._partial = (self._partial + data).split(b"\n")
        for line in lines:
            self._on_line(line)
        return True
