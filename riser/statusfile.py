"""The status file: it tells the daemon's pid, and its lock tells that the daemon lives.

The lock is flock(2) on the file itself and belongs to the open file, so it ends with the daemon's process whatever
kills it; server processes close their copy (daemon.death). The file is never unlinked: a path that comes and goes could
be locked twice, by one daemon on the old file and by another on the new.

    daemon                       whoever asks `running`         another daemon that starts
    LOCK_EX, as long as it lives LOCK_SH, for an instant        LOCK_EX; if that fails: LOCK_SH tells whether a
                                                                daemon (fails) or only askers (works) are there

So asking never makes a start fail, and of many starts exactly one gets the lock (status.race). The content is replaced
in one write that also blanks what is left of a longer text, and always has the same length, so that a reader who looks
for the end of the file finds none behind it: it reads the old text or the new, never none and never a part
(status.atomic).
"""

import contextlib
import fcntl
import os
import time

from riser.errors import AlreadyRunningError, RiserError

#: Askers hold the lock for microseconds; a start that cannot get it for so long gives up.
ASKERS_SECONDS = 5.0
#: RISER's own `running?` takes the lock exclusively for an instant, which looks like a daemon.
EXCLUSIVE_ASKER_SECONDS = 0.05
#: What the text with the largest pid of Linux takes; shorter ones end in more line ends.
_BYTES = len("---\npid: 4194304\n")
#: Readers see a write within a page whole.
_PAGE_BYTES = 4096


class StatusFileError(RiserError):
    """A status file cannot be opened or written; says which and why."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"status_file {self.path}: {self.reason}"


def running(path: str) -> bool:
    """Whether a daemon with this status file lives (status.running); False without a file.

    Raises OSError when the file cannot be opened for reading.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _lock(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


class StatusFile:
    """A status file that this process has locked; `descriptor` is what a forked server has to close."""

    def __init__(self, path: str, descriptor: int) -> None:
        self.path = path
        self.descriptor = descriptor

    @classmethod
    def acquire(cls, path: str, *, daemon_name: str) -> "StatusFile":
        """Open the file, made if it is not there, and lock it.

        Raises `AlreadyRunningError` while another daemon holds it, `StatusFileError` when it cannot be opened.
        """
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StatusFileError(path, error.strerror or str(error)) from error
        if not _lock_among_askers(descriptor):
            os.close(descriptor)
            raise AlreadyRunningError(daemon_name, path)
        return cls(path, descriptor)

    def write(self, pid: int) -> None:
        """Put the daemon's pid into the file, as YAML; raises `StatusFileError`, for one on a full disk."""
        try:
            self._replace(f"---\npid: {pid}\n")
        except OSError as error:
            raise StatusFileError(self.path, error.strerror or str(error)) from error

    def release(self) -> None:
        """Take the pid out of the file and unlock it: the daemon ends."""
        # On a full disk the old pid stays; without the lock it means nothing.
        with contextlib.suppress(OSError):
            self._replace("---\npid: null\n")
        self.close()

    def close(self) -> None:
        """Close this process's descriptor only; the lock stays while another process has it."""
        os.close(self.descriptor)

    def _replace(self, text: str) -> None:
        content = text.encode("ascii")
        longest = min(os.fstat(self.descriptor).st_size, _PAGE_BYTES)
        os.pwrite(self.descriptor, content.ljust(max(longest, _BYTES), b"\n"), 0)
        os.ftruncate(self.descriptor, _BYTES)


def _lock_among_askers(descriptor: int) -> bool:
    """Whether the exclusive lock could be had; False when somebody else has it and is not just asking."""
    askers_until = time.monotonic() + ASKERS_SECONDS
    exclusive_until = time.monotonic() + EXCLUSIVE_ASKER_SECONDS
    while not _lock(descriptor, fcntl.LOCK_EX):
        now = time.monotonic()
        if _lock(descriptor, fcntl.LOCK_SH):
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            exclusive_until = now + EXCLUSIVE_ASKER_SECONDS
            if now > askers_until:
                return False
        elif now > exclusive_until:
            return False
        # flock has no "wait for readers only"; a pause of its own keeps each from asking in step with another for ever.
        time.sleep(0.0002 + os.getpid() % 19 / 10_000)
    return True


def _lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
