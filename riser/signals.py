"""Signals as data: handlers do nothing, the kernel's news arrive as bytes in a pipe, and one loop reads them in order.

    kernel --signal--> C handler --number--> pipe --fileno()--> selector --drain()--> [Operation, ...]
    any thread --post(operation)--> deque, and a 0 byte --^

A pipe and not a socketpair: single bytes fill a socketpair after some 280 signals, a pipe after 65,536 (`stat.burst`).

After a fork the child shares its parent's pipe, so a signal meant for the child would be read by the parent.
`process.spawn` therefore forks with all signals blocked, and in the child opens a new inbox before it unblocks them.
A handler installed by an inbox stays installed in a child whose inbox has no use for that signal, and goes on doing
nothing there: a child is not killed by a SIGHUP that its terminal sends to the whole group.
"""

import atexit
import collections
import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Collection, Mapping
from types import FrameType, TracebackType
from typing import Self

from riser.core.operation import Operation

Handler = Callable[[int, FrameType | None], object] | int | None

LATE_SECONDS = 1.0
"""How long after a stop by signal further stop signals are part of it: a second Ctrl-C, a supervisor's second TERM."""

_STOPS = frozenset({Operation.STOP_GRACEFUL, Operation.STOP_FORCED})
_WAKE = b"\0"
_READ_BYTES = 65536


def _do_nothing(_number: int, _frame: FrameType | None) -> None:
    """The handler whose only purpose is that the default action does not happen."""


class _Late:
    """The handler of before, once the stop that has just ended is past."""

    def __init__(self, before: Handler) -> None:
        self._before = before
        self._until = time.monotonic() + LATE_SECONDS

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        if time.monotonic() < self._until:
            return
        signal.signal(number, self._before)
        signal.raise_signal(number)


def by_name(signals: Mapping[Operation, str], *, only: Collection[Operation]) -> dict[signal.Signals, Operation]:
    """The signals of this machine for operations named as in `DaemonConfig.signals()`, `only` those listed.

    WINCH is left out on a terminal, which sends it to the daemon and to all below it when its window changes: there it
    is no request. Raises KeyError for a name that this system does not know.
    """
    named = {signal.Signals[f"SIG{name}"]: operation for operation, name in signals.items() if operation in only}
    if on_terminal():
        named.pop(signal.SIGWINCH, None)
    return named


def on_terminal() -> bool:
    """Whether one of the standard streams is a terminal."""
    return any(os.isatty(descriptor) for descriptor in (0, 1, 2))


class SignalInbox:
    """Operations that arrived by signal or by `post`, in order of arrival; a context manager.

    With signals it must be entered in the main thread, and on exit it restores the handlers that it replaced; after a
    stop by signal, those that would end the process only `LATE_SECONDS` later, and no more once the interpreter ends
    (`stop.no.relax`). Without any signals it works in every thread, for `post` and `wake` alone.
    """

    def __init__(self, operations: Mapping[signal.Signals, Operation]) -> None:
        self.operations = dict(operations)
        self._by_number: dict[int, Operation] = {}
        self._posted: collections.deque[Operation] = collections.deque()
        self._replaced: dict[int, Handler] = {}
        self._replaced_wakeup = -1
        self._stopped = False
        self._read = -1
        self._write = -1

    def __enter__(self) -> Self:
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._by_number = {int(number): operation for number, operation in self.operations.items()}
        if self.operations:
            # The descriptor first: from the first handler on no signal goes unnoticed.
            self._replaced_wakeup = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
            for number in self.operations:
                self._replaced[number] = signal.signal(number, _do_nothing)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._replaced.items():
            # None stands for a handler that was not installed from Python and cannot be put back from here.
            before = signal.SIG_DFL if handler is None else handler
            ends_process = before in (signal.SIG_DFL, signal.default_int_handler)
            late = self._stopped and ends_process and self._by_number[number] in _STOPS
            signal.signal(number, _Late(before) if late else before)
            if late:
                # Python puts back the default of a handler written in Python before it has ended, but not of this one.
                atexit.register(signal.signal, number, signal.SIG_IGN)
        if self.operations:
            signal.set_wakeup_fd(self._replaced_wakeup, warn_on_full_buffer=False)
        self._replaced.clear()
        self.close()

    def close(self) -> None:
        """Close this process's copy of the pipe and leave the handlers alone; what a forked child does with its
        parent's."""
        for descriptor in (self._read, self._write):
            if descriptor >= 0:
                os.close(descriptor)
        self._read = self._write = -1

    def fileno(self) -> int:
        """Readable while there is something to drain."""
        return self._read

    @property
    def descriptors(self) -> tuple[int, int]:
        """Both ends, for a child to close."""
        return (self._read, self._write)

    def post(self, operation: Operation) -> None:
        """Add an operation; callable from any thread and from a signal handler."""
        self._posted.append(operation)
        self.wake()

    def wake(self) -> None:
        """Make the loop that waits on this inbox turn once; callable from any thread and from a signal handler."""
        if self._write < 0:
            return
        with contextlib.suppress(BlockingIOError):  # A full pipe wakes as well.
            os.write(self._write, _WAKE)

    def drain(self) -> list[Operation]:
        """All operations that have arrived, oldest first; empty when there are none."""
        arrived: list[Operation] = []
        while True:
            try:
                numbers = os.read(self._read, _READ_BYTES)
            except BlockingIOError:
                numbers = b""
            for number in numbers:
                if number:
                    operation = self._by_number.get(number)
                    if operation is not None:
                        self._stopped |= operation in _STOPS
                        arrived.append(operation)
                elif self._posted:
                    arrived.append(self._posted.popleft())
            if len(numbers) < _READ_BYTES:
                break
        while self._posted:
            arrived.append(self._posted.popleft())
        return arrived


def in_main_thread() -> bool:
    """Whether signal handlers can be installed here."""
    return threading.current_thread() is threading.main_thread()
