"""Where reports go: files that can be written, and the terminal as it is."""

from __future__ import annotations

import os
import shutil
from typing import IO, TYPE_CHECKING

from harness.cli.refusal import RefusedError
from harness.report.console import Console
from harness.report.failure import WIDTH
from harness.report.paint import Palette, wants_colour

if TYPE_CHECKING:
    from pathlib import Path


def opened(path: Path) -> IO[str]:
    """The file, empty and open for writing. Raises RefusedError where it cannot be written."""
    try:
        return path.open("w", encoding="utf-8", newline="\n")
    except OSError as error:
        raise RefusedError.of(f"{path} cannot be written: {(error.strerror or str(error)).lower()}") from error


def console(stream: IO[str], *, live: bool) -> Console:
    """The console report; `live` asks for a status line, which only a terminal gets."""
    is_terminal = stream.isatty()
    width = shutil.get_terminal_size((WIDTH, 24)).columns if is_terminal else WIDTH
    can_erase = is_terminal and os.environ.get("TERM") != "dumb"
    return Console(stream, width=width, palette=Palette(wants_colour(stream, os.environ)), live=live and can_erase)
