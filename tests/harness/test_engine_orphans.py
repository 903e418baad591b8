"""Whose the orphans are, when several items run at once."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from harness.engine.observe import COOKIE, Census, children_of
from harness.engine.orphans import Orphans

if TYPE_CHECKING:
    from harness.engine.observe import Seen


def ignore(seen: Seen) -> None:
    """Nobody is told of an end."""


@pytest.fixture
def orphans() -> Orphans:
    """The orphans of two items, `mine` and `other`."""
    return Orphans()


def test_a_process_without_a_cookie_belongs_where_its_children_do(orphans: Orphans) -> None:
    """So looks one that is exiting: its environment is gone before its children are handed on."""
    mine, other = Census("mine", ignore), Census("other", ignore)
    orphans.watch(mine)
    orphans.watch(other)
    script = f"{COOKIE}=mine:d sleep 1000 & echo up; wait"
    with subprocess.Popen(["env", "-i", "/bin/sh", "-c", script], stdout=subprocess.PIPE, start_new_session=True) as sh:
        try:
            assert sh.stdout is not None
            sh.stdout.readline()
            (sleep,) = children_of(sh.pid)
            # The child shows the cookie once it has become `sleep`.
            deadline = time.monotonic() + 60
            while orphans.living_of(mine) != [sh.pid, sleep]:
                assert time.monotonic() < deadline
            assert orphans.living_of(other) == []
        finally:
            orphans.kill_now()
