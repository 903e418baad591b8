"""Reading a file that a user named: its text, or the reason why there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.load.codes import Code
from harness.load.syntax import location_of
from harness.load.yaml import MAX_CHARACTERS
from harness.model.source import Location, Problem

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 4 * MAX_CHARACTERS


def read_text(path: Path) -> str | Problem:
    """The text of the file, or what is wrong with it: missing, unreadable, no regular file, too large, not UTF-8."""
    try:
        if path.exists() and not path.is_file():
            return Problem(Location(str(path), 1, 1), Code.UNREADABLE, "this is not a regular file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        return Problem(Location(str(path), 1, 1), Code.UNREADABLE, f"the file cannot be read: {reason.lower()}")
    if len(data) > MAX_BYTES:
        return Problem(Location(str(path), 1, 1), Code.TOO_LARGE, f"the file has more than {MAX_BYTES:,} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        location = location_of(data[: error.start].decode(), str(path), error.start)
        return Problem(location, Code.NOT_UTF8, f"the byte 0x{data[error.start]:02x} is not UTF-8 here")
