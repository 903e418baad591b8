"""Files of scenarios: replaced or made in one stroke, so that nobody ever finds half of one."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.refusal import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator


def replace_file(file: Path, text: str) -> None:
    """Put a text in the place of a file's: a reader finds the old or the new one, whatever happens meanwhile.

    The file keeps its mode, and a link goes on leading to it. Raises RefusedError where it cannot be written.
    """
    real = Path(os.path.realpath(file))
    with _told_of(file):
        aside = _written_aside(real, text, mode=real.stat().st_mode & 0o7777)
        Path(aside).replace(real)


def new_file(file: Path, text: str) -> None:
    """Make a file that was not there, whole. Raises RefusedError where it cannot be written, or was there."""
    with _told_of(file):
        umask = os.umask(0)
        os.umask(umask)
        aside = _written_aside(file, text, mode=0o666 & ~umask)
        try:
            os.link(aside, file)  # which replaces nothing, as a rename would
        finally:
            Path(aside).unlink()


@contextmanager
def _told_of(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RefusedError.of(f"{file} cannot be written: {(error.strerror or str(error)).lower()}") from error


def _written_aside(file: Path, text: str, *, mode: int) -> str:
    descriptor, aside = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as stream:
            os.fchmod(descriptor, mode)
            stream.write(text)
            stream.flush()
            os.fsync(descriptor)
    except OSError:
        Path(aside).unlink(missing_ok=True)
        raise
    return aside
