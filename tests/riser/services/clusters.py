"""Clusters for tests: each is a program of its own beside this module, and lasts until its standard input ends."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[3]
_END_SECONDS = 60.0


@contextlib.contextmanager
def running(extra: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """Two workers of Dask, or two nodes of Ray, and what goes with them; the address that the engine takes."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("PYTHONDEVMODE", "PYTHONWARNINGS")}
    with (
        # Sockets go by the names of files, and pytest's own directories have too long ones.
        tempfile.TemporaryDirectory(prefix="riser-") as directory,
        subprocess.Popen(
            [sys.executable, "-m", f"tests.riser.services.{extra}_cluster", directory, *arguments],
            cwd=ROOT,
            env=inherited | {"PYTHONPATH": str(ROOT)} | dict(environment or {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        try:
            address = process.stdout.readline().strip()
            assert address, "the cluster did not start"
            yield address
            process.communicate("", timeout=_END_SECONDS)
        finally:
            process.kill()
