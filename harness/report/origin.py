"""Where a run comes from: this harness, this machine, and exactly these scenario files."""

from __future__ import annotations

import hashlib
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING

from harness.report.run import Machine

if TYPE_CHECKING:
    from collections.abc import Iterable

DISTRIBUTION = "riser-harness"


def harness_version() -> str:
    """The version of the installed harness; "unknown" when it runs from a source tree that is not installed."""
    from importlib import metadata  # which brings all of email along: only who says the version pays for it

    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "unknown"


def this_machine() -> Machine:
    """The interpreter, the kernel, and the processors that this process may use."""
    return Machine(
        python=platform.python_version(),
        kernel=f"{platform.system()} {platform.release()}",
        cores=len(os.sched_getaffinity(0)),
    )


def suite_hash(files: Iterable[str]) -> str:
    """A hash of the names and contents of these files; where they lie does not count, so it is the same everywhere.

    A file that cannot be read any more counts with its name.
    """
    paths = sorted({Path(file) for file in files}, key=lambda path: path.absolute())
    shared = os.path.commonpath([path.absolute().parent for path in paths]) if paths else "."
    sum_of_all = hashlib.sha256()
    for path in paths:
        try:
            content = path.read_bytes()
        except OSError:
            content = b""
        name = os.path.relpath(path.absolute(), shared)
        sum_of_all.update(f"{name}\0{len(content)}\0".encode("utf-8", "surrogateescape") + content)
    return f"sha256:{sum_of_all.hexdigest()}"
