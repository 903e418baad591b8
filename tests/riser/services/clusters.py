"""Clusters for tests: each is a program of its own beside this module, and lasts until its standard input ends."""

import contextlib
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import trustme

ROOT = Path(__file__).parents[3]
_END_SECONDS = 60.0


class Files(NamedTuple):
    """Of an authority, and of a certificate with its key."""

    authority: str
    certificate: str


def make_files(directory: Path) -> Files:
    """What those of a cluster know each other by, where it speaks TLS."""
    authority = trustme.CA()
    files = Files(str(directory / "authority.pem"), str(directory / "certificate.pem"))
    authority.cert_pem.write_to_path(files.authority)
    certificate = authority.issue_cert("127.0.0.1", "127.0.0.2")
    certificate.private_key_and_cert_chain_pem.write_to_path(files.certificate)
    return files


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


def is_alive(pid: int) -> bool:
    """Whether any thread of it is left: the first may be dead while another has its connections still open."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    ended = select.poll()
    ended.register(descriptor, select.POLLIN)
    is_over = bool(ended.poll(0))
    os.close(descriptor)
    return not is_over


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
