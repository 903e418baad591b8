"""Whose the orphans are, when several items run at once."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from harness.engine.observe import COOKIE, Census, children_of, is_alive, stat_of
from harness.engine.orphans import Orphans

if TYPE_CHECKING:
    from collections.abc import Iterator

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


@pytest.fixture
def sleeper(orphans: Orphans) -> Iterator[subprocess.Popen[bytes]]:
    """A child in a session of its own, which came after the engine began."""
    del orphans
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as process:
        yield process
        process.kill()


def test_a_child_that_was_handed_on_behind_a_look_is_killed_too(
    orphans: Orphans, sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its parent was listed and had ended when it was looked at; it was none of ours until then."""
    looks = 0

    def look_too_early(pid: int) -> list[int]:
        nonlocal looks
        looks += 1
        return [] if looks == 1 else children_of(pid)

    monkeypatch.setattr("harness.engine.orphans.children_of", look_too_early)
    orphans.kill_now()
    assert not is_alive(sleeper.pid)


def test_a_program_whose_item_could_not_reap_it_is_reaped_at_the_end(
    orphans: Orphans, sleeper: subprocess.Popen[bytes]
) -> None:
    """An interruption may end an item anywhere."""

    async def course() -> None:
        census = Census("mine", ignore)
        orphans.watch(census)
        census.add_program(sleeper.pid)
        os.kill(sleeper.pid, signal.SIGKILL)
        os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
        orphans.kill_now()
        assert stat_of(sleeper.pid) is None
        census.release()

    asyncio.run(course())
