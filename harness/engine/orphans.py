"""The processes that are left when their parents are gone: whose they are, and that none of them survives.

The harness is the subreaper, so every process of every item is below it. What is its direct child and was not started
by it has been orphaned: it belongs to the item whose cookie it carries, or that has seen it, or in whose session it
is. One that hides all three belongs to the item that runs alone; among several nobody can tell, and it is killed when
the engine ends.
"""

from __future__ import annotations

import os
import select
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

from harness.engine.observe import Ending, children_of, command_of, cookie_of, descendants_of, signal_name, stat_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.engine.observe import Census, Stat


_LOOKS = 20
"""Looks until two are the same; a machine where processes come and go faster gets the last one."""
_LOOKS_IN_VAIN = 2
"""Looks in a row that find nothing, until nothing is left."""
_ROUNDS = 100
_SECONDS_TO_DIE = 2.0


class Orphans:
    """All censuses of an engine, and the children that this process has beside them."""

    def __init__(self) -> None:
        self._censuses: list[Census] = []
        # Children of before belong to somebody else in this process: another test, a plugin.
        self._strangers = set(children_of(os.getpid()))
        self._session = os.getsid(0)

    def watch(self, census: Census) -> None:
        """From now on orphans may belong to this item."""
        self._censuses.append(census)
        census.claims = lambda pid, stat: pid not in self._strangers and self._owner(pid, stat) is census

    def forget(self, census: Census) -> None:
        """The item is over; it has left nothing."""
        self._censuses.remove(census)

    def living_of(self, census: Census) -> list[int]:
        """Every living process of the item; dead orphans are reaped by the way.

        A process that ends while we look hands its children on to us, after we have listed ours. So it is what two
        looks in a row have found.
        """
        found = self._look_for(census)
        for _ in range(_LOOKS):
            before, found = found, self._look_for(census)
            if found == before:
                break
        return found

    def kill_of(self, census: Census) -> list[str]:
        """Kill every living process of the item, and name them: `4711 (python x.py)`."""
        killed = []
        for pid in self.living_of(census):
            killed.append(describe_process(pid))
            _kill(pid)
        return killed

    def kill_now(self, census: Census | None = None) -> None:
        """Kill every process of one item, or of all and of none, and wait for their ends without the loop."""
        if census is None:
            # No item is left that would reap its programs.
            self._censuses.clear()
        # What is killed leaves orphans in its turn; the bound is for what cannot be killed.
        empty_looks = 0
        for _ in range(_ROUNDS):
            roots = [(pid, owner) for pid, owner in self._roots() if census is None or owner is census]
            if not roots:
                # One that has ended while we looked may have handed its children on to us behind our back.
                empty_looks += 1
                if empty_looks == _LOOKS_IN_VAIN:
                    return
                continue
            empty_looks = 0
            for pid, _ in roots:
                for each in _living_from(pid):
                    _kill(each)
            for pid, owner in roots:
                _await_end(pid)
                # At the engine's end there is no loop any more in which anybody could be told.
                _reap(pid, None if census is None else owner)

    def _look_for(self, census: Census) -> list[int]:
        return [pid for root, owner in self._roots() if owner is census for pid in _living_from(root)]

    def _roots(self) -> Iterator[tuple[int, Census | None]]:
        """Our living children that are of the items, and whose they are."""
        children = children_of(os.getpid())
        self._strangers.intersection_update(children)
        for pid in children:
            stat = None if pid in self._strangers else stat_of(pid)
            if stat is None:
                continue
            owner = self._owner(pid, stat)
            if owner is None and stat.session == self._session:
                # Somebody else in this process has started it in the meantime.
                continue
            if stat.is_alive:
                yield pid, owner
            elif owner is None or not owner.is_program(pid):
                _reap(pid, owner)

    def _owner(self, pid: int, stat: Stat) -> Census | None:
        for census in self._censuses:
            if census.known(pid) is not None or census.has_session(stat.session):
                return census
        # A process in the middle of its exit shows no environment any more, and still has children that do.
        for each in (pid, *descendants_of(pid)):
            token = (cookie_of(each) or "").partition(":")[0]
            for census in self._censuses:
                if census.cookie == token:
                    return census
        return self._censuses[0] if len(self._censuses) == 1 and stat.session != self._session else None


def describe_process(pid: int) -> str:
    """A process in the words of a failure."""
    return f"{pid} ({command_of(pid)})"


def _living_from(root: int) -> list[int]:
    return [pid for pid in (root, *descendants_of(root)) if (stat := stat_of(pid)) is not None and stat.is_alive]


def _await_end(pid: int) -> None:
    """Wait for a killed child of ours; not for ever, for the kernel may be unable to end it."""
    with suppress(ProcessLookupError):
        pidfd = os.pidfd_open(pid)
        try:
            select.select([pidfd], [], [], _SECONDS_TO_DIE)
        finally:
            os.close(pidfd)


def _kill(pid: int) -> None:
    # It is our child or below one and was found a moment ago; a number is not given away that fast.
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _reap(pid: int, owner: Census | None) -> None:
    with suppress(ChildProcessError):
        reaped, status = os.waitpid(pid, os.WNOHANG)
        if reaped and owner is not None:
            code = os.waitstatus_to_exitcode(status)
            owner.ended(pid, Ending(code, None) if code >= 0 else Ending(None, signal_name(-code)))
