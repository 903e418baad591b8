"""A program gets a /dev/log of its own, and everything else as it is; where that cannot be, it is said why."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from harness import namespaces
from harness.namespaces import why_no_private_log, with_private_log

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOBODY = 65534
LOOK = 'readlink /dev/log; echo $$ $(id -u); echo into >/dev/null && test -c /dev/null && echo "null is there"; pwd'


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """The one attempt is made anew, and forgotten."""
    why_no_private_log.cache_clear()
    yield
    why_no_private_log.cache_clear()


def look(root: Path, user: int | None = None) -> list[str]:
    directory = root / "dev"
    directory.mkdir()
    if user is not None:
        root.chmod(0o755)
        os.chown(directory, user, -1)
    command = [*with_private_log(directory, root / "s.log"), "/bin/sh", "-c", LOOK]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root, user=user, group=user) as program:
        told, _ = program.communicate(timeout=60)
    assert program.returncode == 0
    assert not list(directory.iterdir()), "the mounts are the program's alone"
    return [line.replace(str(program.pid), "PID") for line in told.splitlines()]


def test_a_program_has_its_own_log_and_the_rest_of_dev_and_is_the_process_that_was_started(root: Path) -> None:
    if (reason := why_no_private_log()) is not None:
        pytest.skip(reason)
    assert look(root) == [str(root / "s.log"), f"PID {os.getuid()}", "null is there", str(root)]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else, and this is not root")
def test_one_that_is_not_root_stays_who_it_is(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("getuid", "geteuid", "getgid"):
        monkeypatch.setattr(os, name, lambda: NOBODY)
    command = ["unshare", "--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]
    if subprocess.run(command, check=False, capture_output=True, user=NOBODY, group=NOBODY).returncode:
        pytest.skip("users other than root may not mount here, not even in a namespace of their own")
    assert look(root, NOBODY) == [str(root / "s.log"), f"PID {NOBODY}", "null is there", str(root)]


def test_a_machine_that_does_not_allow_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = ("/bin/sh", "-c", "echo first; echo unshare: Operation not permitted >&2; exit 1", "sh")
    monkeypatch.setattr(namespaces, "with_private_log", lambda *_: refusal)
    assert why_no_private_log() == "unshare: Operation not permitted"


def test_a_machine_without_the_programs_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert why_no_private_log() == "there is no program `unshare`"
