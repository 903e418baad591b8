"""Child processes with discipline: fork, readiness, the parent's death, reaping.

`spawn` forks with all signals blocked, so that nothing can reach the child while it still shares its parent's signal
pipe:

    parent                          child
    flush stdio, block signals
    fork ------------------------>  close what is the parent's, open an own SignalInbox, unblock
    pidfd, unblock                  body(inbox) -> exit status; flush stdio; os._exit

A child never returns into its parent's code: it leaves by os._exit, so no handler of the parent's (atexit, buffers,
context managers up the stack) runs twice. A `Child` signals through its pidfd: never another process, even if the
number is reused.
"""

import contextlib
import enum
import errno
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping

from riser.core.operation import Operation
from riser.core.record import Record
from riser.signals import SignalInbox

EXIT_FAILURE = 1


class ExitStatus(Record):
    """How a process ended: by itself with `code`, or killed by `signal_number`; neither if someone else reaped it."""

    code: int | None = None
    signal_number: int | None = None

    @property
    def success(self) -> bool:
        """Whether it ended by itself with status 0."""
        return self.code == 0

    def __str__(self) -> str:
        if self.code is not None:
            return f"exit status {self.code}"
        if self.signal_number is not None:
            return f"killed by {_name_of(self.signal_number)}"
        return "ended, status unknown"


def _name_of(number: int) -> str:
    """`SIGKILL`; a real-time signal, most of which have no name, by its number."""
    return signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"


class Child:
    """A process that this one forked; readable (`fileno`) once it has ended."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.exit_status: ExitStatus | None = None
        self._pidfd = os.pidfd_open(pid)
        self._stopped = False

    def __repr__(self) -> str:
        return f"<Child {self.pid} {self.exit_status or 'alive'}>"

    def fileno(self) -> int:
        """The pidfd: becomes readable when the process ends; -1 after it was reaped."""
        return self._pidfd

    def send(self, number: signal.Signals) -> None:
        """Signal the process; does nothing once it is reaped or gone."""
        if self._pidfd < 0:
            return
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, number)

    def reap(self, *, block: bool = False) -> ExitStatus | None:
        """The exit status, or None while the process lives (never None with `block`); closes the pidfd."""
        if self.exit_status is not None:
            return self.exit_status
        options = os.WEXITED if block else os.WEXITED | os.WNOHANG
        try:
            result = os.waitid(os.P_PID, self.pid, options)
        except ChildProcessError:
            self._ended(ExitStatus())
            return self.exit_status
        if result is None:
            return None
        if result.si_code == os.CLD_EXITED:
            self._ended(ExitStatus(code=result.si_status))
        else:
            self._ended(ExitStatus(signal_number=result.si_status))
        return self.exit_status

    def is_stopped(self) -> bool:
        """Whether the process is stopped (SIGSTOP and its like) at this moment."""
        if self._pidfd < 0:
            return False
        try:
            while result := os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WCONTINUED | os.WNOHANG):
                self._stopped = result.si_code == os.CLD_STOPPED
        except ChildProcessError:
            return False
        return self._stopped

    def close(self) -> None:
        """Close the pidfd without waiting; what a forked sibling does with its copy."""
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1

    def _ended(self, status: ExitStatus) -> None:
        self.exit_status = status
        self.close()


def spawn(
    body: Callable[[SignalInbox], int],
    *,
    operations: Mapping[signal.Signals, Operation],
    close: Iterable[int] = (),
) -> Child:
    """Fork a child that runs `body` with its own inbox for `operations` and exits with what it returns.

    `close` are the descriptors of the parent that the child has no use for. An exception that leaves `body` is
    printed to standard error and becomes exit status 1; SystemExit keeps its status. Raises OSError, and leaves no
    child, if the fork fails or the child cannot be held by a pidfd.
    """
    # One descriptor will be needed for the pidfd: better to miss it now than with a child that runs.
    os.close(os.open(os.devnull, os.O_RDONLY))
    _flush_stdio()
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        pid = os.fork()
        if pid == 0:
            _run_child(body, operations=operations, close=close, unblock=blocked)
        return _hold(pid)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _hold(pid: int) -> Child:
    try:
        return Child(pid)
    except OSError:
        # Nobody else knows of it, so it cannot stay; and it is not reaped, so the number is still its own.
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise


def _run_child(
    body: Callable[[SignalInbox], int],
    *,
    operations: Mapping[signal.Signals, Operation],
    close: Iterable[int],
    unblock: Iterable[int],
) -> None:
    status = EXIT_FAILURE
    try:
        signal.set_wakeup_fd(-1)
        for descriptor in close:
            os.close(descriptor)
        inbox = SignalInbox(operations).__enter__()
        signal.pthread_sigmask(signal.SIG_SETMASK, unblock)
        status = body(inbox)
    except SystemExit as leaving:
        status = _status_of(leaving)
    except BaseException:  # noqa: BLE001 - a child has nobody above it: whatever it is, it is told and ends here
        traceback.print_exc()
    finally:
        _flush_stdio()
        os._exit(status)


def _status_of(leaving: SystemExit) -> int:
    match leaving.code:
        case None:
            return 0
        case int(status):
            return status & 0xFF
        case message:
            sys.stderr.write(f"{message}\n")
            return EXIT_FAILURE


def _flush_stdio() -> None:
    for stream in (sys.stdout, sys.stderr):
        # No stream, a closed one, or nobody who reads it: nothing that a flush could save.
        with contextlib.suppress(AttributeError, OSError, ValueError):
            stream.flush()


class Readiness(enum.Enum):
    """What a child has said about its start so far."""

    WAITING = "waiting"
    READY = "ready"
    FAILED = "failed"


class ReadyPipe:
    """One word from a starting child to its parent: ready, or failed and why.

    The parent calls `keep_parent_end` after the fork and `poll` whenever `fileno` is readable; the child calls
    `keep_child_end` and then `tell_ready` or `tell_failure`. A child that ends without a word has failed.
    """

    def __init__(self) -> None:
        self._read, self._write = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._read, False)
        self._said = b""

    def fileno(self) -> int:
        """The parent's end: readable when there is something to poll."""
        return self._read

    def keep_parent_end(self) -> None:
        """Close the child's end, so that the child's death is seen as the end of the pipe."""
        os.close(self._write)
        self._write = -1

    def keep_child_end(self) -> None:
        """Close the parent's end."""
        os.close(self._read)
        self._read = -1

    def tell_ready(self) -> None:
        """Say that the child serves."""
        self._tell(b"+")

    def tell_failure(self, reason: str) -> None:
        """Say that the child cannot serve, and why."""
        self._tell(b"-" + reason.encode("utf-8", "replace"))

    def poll(self) -> tuple[Readiness, str]:
        """What is known, and the reason of a failure (empty if the child ended without giving one)."""
        while True:
            try:
                piece = os.read(self._read, 65536)
            except BlockingIOError:
                return (Readiness.READY, "") if self._said.startswith(b"+") else (Readiness.WAITING, "")
            if not piece:
                break
            self._said += piece
        if self._said.startswith(b"+"):
            return (Readiness.READY, "")
        return (Readiness.FAILED, self._said[1:].decode("utf-8", "replace"))

    def close(self) -> None:
        """Close whatever is still open."""
        for descriptor in (self._read, self._write):
            if descriptor >= 0:
                os.close(descriptor)
        self._read = self._write = -1

    def _tell(self, message: bytes) -> None:
        try:
            while message:
                message = message[os.write(self._write, message) :]
        except OSError as error:
            if error.errno != errno.EPIPE:
                raise
        finally:
            os.close(self._write)
            self._write = -1


class Latch:
    """A pipe that nobody ever writes to: its end means that the parent is dead.

    One latch serves all children of a parent, however many and whenever forked: the parent keeps the writing end,
    every child calls `watch` first thing and waits for the descriptor to become readable.
    """

    def __init__(self) -> None:
        self._read, self._write = os.pipe2(os.O_CLOEXEC)

    def watch(self) -> int:
        """In the child: let go of the writing end; the descriptor that becomes readable when the parent is gone."""
        if self._write >= 0:
            os.close(self._write)
            self._write = -1
        return self._read

    def close(self) -> None:
        """In the parent: tell all children that their parent is gone."""
        for descriptor in (self._read, self._write):
            if descriptor >= 0:
                os.close(descriptor)
        self._read = self._write = -1
