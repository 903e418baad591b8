"""What the kernel knows about processes: who is whose child, who carries which cookie, who has ended.

Every program of an item is started in a session of its own, with the item's cookie in its environment. The harness is
the subreaper of all of them: a process whose parent dies becomes the harness's own child, whatever it forked or
however it detached. So everything that an item has ever started is either below one of its programs or a child of ours.

    harness -+- program (Popen) - its children ...
             +- orphans: adopted, found by cookie, by having been seen before, or by their session

A pid is held by a pidfd from the moment that it is first heard of. A signal goes through that pidfd: it reaches this
process or nobody, never a stranger who was given the number later.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COOKIE = "HARNESS_COOKIE"
"""The environment variable that marks every process of an item: `ITEM-COOKIE:ACTOR`."""

_FREEZING = (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
_PR_SET_CHILD_SUBREAPER = 36
_PR_GET_CHILD_SUBREAPER = 37


@dataclass(frozen=True, slots=True)
class Stat:
    """The fields of /proc/PID/stat that are needed here."""

    state: str
    parent: int
    session: int

    @property
    def is_alive(self) -> bool:
        """Whether it can still run: neither a zombie nor dead."""
        return self.state not in "ZXx"


def set_subreaper(*, on: bool) -> bool:
    """Make this process adopt the orphans among its descendants, or no longer; gives what it was before."""
    libc = ctypes.CDLL(None, use_errno=True)
    before = ctypes.c_int(0)
    if libc.prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(before), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_GET_CHILD_SUBREAPER)")
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, int(on), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")
    return bool(before.value)


def stat_of(pid: int) -> Stat | None:
    """The state of a process, None when there is none of that number."""
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name of the program stands in parentheses and may hold anything, parentheses and spaces too.
    fields = text[text.rindex(b")") + 2 :].split()
    return Stat(fields[0].decode(), int(fields[1]), int(fields[3]))


def is_alive(pid: int) -> bool:
    """Whether there is a process of that number that can still run."""
    stat = stat_of(pid)
    return stat is not None and stat.is_alive


def children_of(pid: int) -> list[int]:
    """The children of a process, zombies too; none when it has ended."""
    found: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found.extend(int(child) for child in (task / "children").read_bytes().split())
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


def descendants_of(pid: int) -> Iterator[int]:
    """Every process below this one that there is now, parents before children."""
    for child in children_of(pid):
        yield child
        yield from descendants_of(child)


def cookie_of(pid: int) -> str | None:
    """The cookie that the process was started with; None when it has none, has ended or hides it."""
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return None
    prefix = f"{COOKIE}=".encode()
    for entry in environment.split(b"\0"):
        if entry.startswith(prefix):
            return entry[len(prefix) :].decode(errors="replace")
    return None


def command_of(pid: int) -> str:
    """The command line of a process, for a person to recognise it by."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="backslashreplace")
        name = Path(f"/proc/{pid}/comm").read_text(errors="backslashreplace").strip()
    except OSError:
        return "(ended)"
    return " ".join(words.rstrip("\0").split("\0")) or f"[{name}]"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a process ended: by itself with `status`, or by `signal` (its name, `KILL`); neither where unknown."""

    status: int | None
    signal: str | None

    @classmethod
    def of_returncode(cls, code: int) -> Ending:
        """From a number as subprocess has it: negative for a signal."""
        return cls(code, None) if code >= 0 else cls(None, signal_name(-code))

    def __str__(self) -> str:
        if self.signal is not None:
            return f"ended by signal {self.signal}"
        return "ended" if self.status is None else f"ended with status {self.status}"


def signal_name(number: int) -> str:
    """`KILL` for 9; the number itself where it has no name (real-time signals)."""
    try:
        return signal.Signals(number).name.removeprefix("SIG")
    except ValueError:
        return str(number)


def signal_number(name: str) -> int:
    """9 for `KILL` or `SIGKILL`; raises ValueError for what is none."""
    try:
        return signal.Signals[f"SIG{name.removeprefix('SIG')}"].value
    except KeyError:
        raise ValueError(f"there is no signal {name}") from None


class Seen:
    """One process of an item, held by its pidfd until it has ended or the item is over."""

    def __init__(self, pid: int, parent: int | None, pidfd: int | None) -> None:
        self.pid = pid
        self.parent = parent
        """Its parent when it was first seen, None when it had ended by then."""
        self.pidfd = pidfd
        self.ending: Ending | None = None if pidfd is not None else Ending(None, None)
        self._is_frozen = False

    @property
    def has_ended(self) -> bool:
        """Whether it runs no more; a zombie has ended."""
        return self.ending is not None

    def signal(self, number: int) -> bool:
        """Send it a signal; false when it has ended, and then nobody gets it."""
        if self.pidfd is None:
            return False
        try:
            signal.pidfd_send_signal(self.pidfd, number)
        except ProcessLookupError:
            return False
        if number in _FREEZING:
            self._is_frozen = True
        return True

    def thaw(self) -> None:
        """Let it run again if it was sent a signal that freezes: nothing can stop in good order while it is frozen."""
        if self._is_frozen:
            self.signal(signal.SIGCONT)
            self._is_frozen = False


class Census:
    """The processes of one item that have been heard of, by pid.

    `on_end` is called once for each of them when it has ended, in the loop, after it has been reaped if it was ours.
    """

    def __init__(self, cookie: str, on_end: Callable[[Seen], None]) -> None:
        self.cookie = cookie
        self._on_end = on_end
        self._seen: dict[int, Seen] = {}
        self._roots: set[int] = set()
        self.claims: Callable[[int, Stat], bool] = lambda _pid, _stat: False
        """Whether an orphan that shows no sign is this item's, as far as anybody can tell; see `Orphans`."""

    def add_program(self, pid: int) -> Seen:
        """A child of ours that was just started for this item; its owner reaps it, nobody else."""
        self._roots.add(pid)
        return self._hold(pid, os.getpid())

    def see(self, pid: int) -> Seen | None:
        """The process of that number, if it is one of this item's; one that has ended already counts as seen.

        Gives None for a living process that is none of this item's, so nobody can make the harness signal a stranger.
        """
        known = self._seen.get(pid)
        if known is not None and not known.has_ended:
            return known
        stat = stat_of(pid)
        # If it was known, it has ended and been reaped, and its number has come back.
        if stat is not None and stat.is_alive and self.is_ours(pid):
            return self._hold(pid, stat.parent)
        # It may have ended while it was looked at: then there was less and less to see.
        if is_alive(pid):
            return None
        return known or self._remember(Seen(pid, None if stat is None else stat.parent, None))

    def known(self, pid: int) -> Seen | None:
        """The process, if it has been seen."""
        return self._seen.get(pid)

    def is_program(self, pid: int) -> bool:
        """Whether it was added with `add_program`, so that its owner reaps it."""
        return pid in self._roots

    def has_session(self, session: int) -> bool:
        """Whether a session was begun by a process of this item."""
        return session in self._seen

    def is_ours(self, pid: int) -> bool:
        """Whether a living process belongs to this item: by its cookie, or an ancestor's, or because one was seen."""
        for _ in range(64):
            cookie = cookie_of(pid)
            if cookie is not None:
                return cookie.partition(":")[0] == self.cookie
            # Programs may overwrite their environment with a title; their parents tell then.
            stat = stat_of(pid)
            if stat is None:
                return False
            if self.has_session(stat.session):
                return True
            if stat.parent == os.getpid():
                return self.claims(pid, stat)
            if stat.parent <= 1:
                return False
            pid = stat.parent
        return False

    def living(self) -> list[Seen]:
        """All that have been seen and have not ended."""
        return [seen for seen in self._seen.values() if not seen.has_ended]

    def ended(self, pid: int, ending: Ending) -> None:
        """Take down how a process ended, unless it is known, and tell."""
        seen = self._seen.get(pid)
        if seen is None or seen.has_ended:
            return
        seen.ending = ending
        self._let_go(seen)
        self._on_end(seen)

    def release(self) -> None:
        """Take down the ends that the loop has not told of yet, and let go of every pidfd."""
        # Whoever is told of an end may take in what has been said of processes that nobody had heard of.
        while held := [seen for seen in self._seen.values() if seen.pidfd is not None]:
            for seen in held:
                ending = None if seen.pidfd is None else reap(seen.pidfd)
                if ending is not None:
                    self.ended(seen.pid, ending)
                self._let_go(seen)

    def _hold(self, pid: int, parent: int) -> Seen:
        try:
            pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            return self._remember(Seen(pid, parent, None))
        seen = self._remember(Seen(pid, parent, pidfd))
        asyncio.get_running_loop().add_reader(pidfd, self._on_readable, seen)
        return seen

    def _remember(self, seen: Seen) -> Seen:
        self._seen[seen.pid] = seen
        return seen

    def _let_go(self, seen: Seen) -> None:
        if seen.pidfd is not None:
            asyncio.get_running_loop().remove_reader(seen.pidfd)
            os.close(seen.pidfd)
            seen.pidfd = None

    def _on_readable(self, seen: Seen) -> None:
        assert seen.pidfd is not None
        self.ended(seen.pid, reap(seen.pidfd) or Ending(None, None))


def reap(pidfd: int) -> Ending | None:
    """How a process that has ended ended, if it was our child and not reaped yet; after this it is."""
    try:
        result = os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG)
    except ChildProcessError:
        return None
    if result is None:
        return None
    if result.si_code == os.CLD_EXITED:
        return Ending(result.si_status, None)
    return Ending(None, signal_name(result.si_status))
