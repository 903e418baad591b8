"""Reports that are stored in files, read for the commands that tell of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.cli.refusal import RefusedError
from harness.report.jsonl import ReportError, read_run

if TYPE_CHECKING:
    from pathlib import Path

    from harness.report.run import Run


def stored(path: Path) -> Run:
    """The run that a file reports. Raises RefusedError for what is none, or is cut or mixed."""
    try:
        return read_run(path)
    except ReportError as error:
        raise RefusedError.of(error) from error
    except OSError as error:
        raise RefusedError.of(f"{path}: {(error.strerror or str(error)).lower()}") from error
