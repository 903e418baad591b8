"""What the kernel knows about processes: whose they are, who may be signalled, how they ended."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from harness.engine.observe import (
    COOKIE,
    Census,
    Ending,
    Seen,
    children_of,
    command_of,
    cookie_of,
    descendants_of,
    signal_name,
    signal_number,
    stat_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator


@contextmanager
def sleeping(cookie: str | None = None) -> Iterator[int]:
    """A process that sleeps, with a cookie or without; killed and reaped in the end, unless somebody has reaped it."""
    environment = {**os.environ, **({COOKIE: cookie} if cookie is not None else {})}
    process = subprocess.Popen(["sleep", "1000"], env=environment, start_new_session=True)
    try:
        # Popen returns when exec closes its pipe, which is a moment before the kernel shows the new environment.
        deadline = time.monotonic() + 60
        while cookie_of(process.pid) != environment.get(COOKIE):
            assert time.monotonic() < deadline
        yield process.pid
    finally:
        process.kill()
        process.wait()


def with_census(use: Callable[[Census, list[Seen]], Coroutine[None, None, None]]) -> list[Seen]:
    """Uses a census with the cookie `mine` in a loop; gives the processes that it has told the end of."""

    async def course() -> list[Seen]:
        ended: list[Seen] = []
        census = Census("mine", ended.append)
        try:
            await use(census, ended)
        finally:
            census.release()
        return ended

    return asyncio.run(course())


async def told_of(ended: list[Seen]) -> Seen:
    deadline = time.monotonic() + 60
    while not ended:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.001)
    return ended[0]


def test_a_process_with_the_cookie_is_seen_and_its_end_is_told_with_its_status() -> None:
    async def use(census: Census, ended: list[Seen]) -> None:
        with sleeping("mine:d") as pid:
            seen = census.see(pid)
            assert seen is not None
            assert (census.see(pid) is seen, seen.has_ended, seen.parent) == (True, False, os.getpid())
            assert seen.signal(signal.SIGTERM)
            assert await told_of(ended) is seen
            assert seen.ending == Ending(None, "TERM")

    assert len(with_census(use)) == 1


def test_an_end_that_the_loop_has_not_told_of_is_reaped_and_told_when_the_census_is_released() -> None:
    pids = []

    async def use(census: Census, ended: list[Seen]) -> None:
        process = subprocess.Popen(["sh", "-c", "exit 4"], start_new_session=True)
        pids.append(process.pid)
        census.add_program(process.pid)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        process.returncode = 4
        assert not ended

    (seen,) = with_census(use)
    assert (seen.pid, seen.ending) == (pids[0], Ending(4, None))
    assert stat_of(seen.pid) is None


def test_who_is_told_of_an_end_as_the_census_is_released_may_hear_of_other_processes() -> None:
    async def course(other: int) -> None:
        census = Census("mine", lambda _seen: heard.append(census.see(other)))
        process = subprocess.Popen(["true"], start_new_session=True)
        census.add_program(process.pid)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        process.returncode = 0
        census.release()

    heard: list[Seen | None] = []
    with sleeping("mine:d") as other:
        asyncio.run(course(other))
    (seen,) = heard
    assert seen is not None
    assert (seen.pid, seen.pidfd) == (other, None)


@pytest.mark.parametrize("cookie", [None, "other:d", "mines:d"])
def test_a_stranger_is_not_seen_and_so_cannot_be_signalled(cookie: str | None) -> None:
    async def use(census: Census, _ended: list[Seen]) -> None:
        with sleeping(cookie) as pid:
            assert census.see(pid) is None
        assert census.see(1) is None
        assert census.see(os.getpid()) is None

    with_census(use)


def test_a_process_that_ends_while_it_is_looked_at_counts_as_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    async def use(census: Census, ended: list[Seen]) -> None:
        process = subprocess.Popen(["sleep", "1000"])

        def die(_pid: int) -> bool:
            process.kill()
            process.wait()
            return False

        monkeypatch.setattr(census, "is_ours", die)
        seen = census.see(process.pid)
        assert seen is not None
        assert (seen.pid, seen.has_ended, ended) == (process.pid, True, [])

    with_census(use)


def test_a_process_that_hides_its_cookie_is_known_by_its_session() -> None:
    async def use(census: Census, _ended: list[Seen]) -> None:
        script = "env -i sleep 1000 & echo $!; wait"
        leader = subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, start_new_session=True, text=True)
        census.add_program(leader.pid)
        assert leader.stdout is not None
        child = int(leader.stdout.readline())
        try:
            assert census.see(child) is not None
        finally:
            os.kill(child, signal.SIGKILL)
            leader.kill()
            leader.communicate()

    with_census(use)


def test_nobody_is_signalled_once_the_process_has_been_reaped() -> None:
    async def use(census: Census, ended: list[Seen]) -> None:
        with sleeping("mine:d") as pid:
            seen = census.see(pid)
            assert seen is not None
            seen.signal(signal.SIGKILL)
            await told_of(ended)
            assert stat_of(pid) is None
            assert not seen.signal(signal.SIGTERM)
            assert census.see(pid) is seen

    with_census(use)


def test_a_process_that_has_ended_before_anybody_looked_counts_as_ended() -> None:
    async def use(census: Census, _ended: list[Seen]) -> None:
        with sleeping("mine:d") as pid:
            os.kill(pid, signal.SIGKILL)
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
            seen = census.see(pid)
            assert seen is not None
            assert (seen.has_ended, str(seen.ending)) == (True, "ended")

    assert with_census(use) == []


@pytest.mark.parametrize("name", ["plain", "with ) and ( and spaces"])
def test_the_state_of_a_process_is_read_whatever_its_name(name: str) -> None:
    rename = f"import time; open('/proc/self/comm', 'w').write({name!r}); print(flush=True); time.sleep(1000)"
    process = subprocess.Popen([sys.executable, "-c", rename], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        stat = stat_of(process.pid)
        assert stat is not None
        assert (stat.parent, stat.session, stat.is_alive) == (os.getpid(), os.getsid(0), True)
        assert command_of(process.pid).startswith(f"{sys.executable} -c import time")
        assert process.pid in children_of(os.getpid())
    finally:
        process.kill()
        process.communicate()
    assert (stat_of(process.pid), command_of(process.pid), cookie_of(process.pid)) == (None, "(ended)", None)


def test_descendants_are_found_at_any_depth() -> None:
    script = "sh -c 'sleep 1000 & echo; wait' & wait"
    process = subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, start_new_session=True)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        child, grandchild = descendants_of(process.pid)
        parents = [stat.parent for pid in (child, grandchild) if (stat := stat_of(pid)) is not None]
        assert parents == [process.pid, child]
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.mark.parametrize(
    ("code", "text"), [(0, "ended with status 0"), (3, "ended with status 3"), (-9, "ended by signal KILL")]
)
def test_an_ending_is_told_in_words(code: int, text: str) -> None:
    assert str(Ending.of_returncode(code)) == text


def test_signals_are_known_by_name() -> None:
    assert (signal_number("TERM"), signal_number("SIGKILL"), signal_name(9), signal_name(60)) == (15, 9, "KILL", "60")
    with pytest.raises(ValueError, match="there is no signal NOPE"):
        signal_number("NOPE")
