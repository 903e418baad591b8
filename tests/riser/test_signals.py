"""Signals arrive as operations, in order, none lost, and handlers are given back."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from riser.core.operation import DEFAULT_SIGNALS, SERVER_OPERATIONS, Operation
from riser.signals import SignalInbox, by_name

from .conftest import wait_readable


@pytest.mark.usefixtures("no_descriptor_left")
def test_signals_become_operations_in_the_order_of_their_arrival() -> None:
    with SignalInbox({signal.SIGUSR1: Operation.STAT_GET_AND_RESET, signal.SIGTERM: Operation.STOP_GRACEFUL}) as inbox:
        for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGTERM):
            os.kill(os.getpid(), number)
        assert wait_readable(inbox.fileno())
        assert inbox.drain() == [Operation.STOP_GRACEFUL, Operation.STAT_GET_AND_RESET, Operation.STOP_GRACEFUL]
        assert inbox.drain() == []
        assert not wait_readable(inbox.fileno(), 0)


def test_a_burst_of_five_thousand_signals_loses_none() -> None:
    """`stat.burst`."""
    with SignalInbox({signal.SIGUSR1: Operation.STAT_GET_AND_RESET}) as inbox:
        for _ in range(5000):
            os.kill(os.getpid(), signal.SIGUSR1)
        assert inbox.drain() == [Operation.STAT_GET_AND_RESET] * 5000


def test_operations_are_posted_from_other_threads_and_from_handlers() -> None:
    with SignalInbox({}) as inbox:
        poster = threading.Thread(target=inbox.post, args=(Operation.STAT_STOP,))
        poster.start()
        assert wait_readable(inbox.fileno())
        assert inbox.drain() == [Operation.STAT_STOP]
        poster.join()


def test_more_posts_than_a_pipe_holds_are_all_drained() -> None:
    with SignalInbox({}) as inbox:
        for _ in range(70_000):
            inbox.post(Operation.STAT_STOP)
        assert len(inbox.drain()) == 70_000
        assert inbox.drain() == []


def test_a_wake_is_not_an_operation() -> None:
    with SignalInbox({}) as inbox:
        inbox.wake()
        assert wait_readable(inbox.fileno())
        assert inbox.drain() == []
    inbox.wake()


def test_handlers_and_the_wakeup_descriptor_are_given_back() -> None:
    before = signal.getsignal(signal.SIGUSR2)
    with SignalInbox({signal.SIGUSR2: Operation.STAT_GET_NO_RESET}) as inbox:
        assert signal.getsignal(signal.SIGUSR2) is not before
        with SignalInbox({signal.SIGUSR2: Operation.STAT_GET_NO_RESET}) as inner:
            os.kill(os.getpid(), signal.SIGUSR2)
            assert inner.drain() == [Operation.STAT_GET_NO_RESET]
        os.kill(os.getpid(), signal.SIGUSR2)
        assert inbox.drain() == [Operation.STAT_GET_NO_RESET]
    assert signal.getsignal(signal.SIGUSR2) is before
    assert signal.set_wakeup_fd(-1) == -1


def test_names_become_signals_for_the_operations_asked_for() -> None:
    chosen = by_name(DEFAULT_SIGNALS, only=SERVER_OPERATIONS)
    assert chosen[signal.SIGTERM] is Operation.STOP_GRACEFUL
    assert signal.SIGHUP not in chosen
    with pytest.raises(KeyError):
        by_name({Operation.STAT_STOP: "NONE"}, only=SERVER_OPERATIONS)


_LATE = """
import os, signal, time
from riser.core.operation import Operation
from riser.signals import SignalInbox

with SignalInbox({signal.SIGTERM: Operation.STOP_GRACEFUL, signal.SIGINT: Operation.STOP_FORCED}) as inbox:
    os.kill(os.getpid(), signal.SIGINT)
    assert inbox.drain() == [Operation.STOP_FORCED]
os.kill(os.getpid(), signal.SIGTERM)
os.kill(os.getpid(), signal.SIGINT)
print("unharmed", flush=True)
time.sleep(1.1)  # the subject is that this time passes
os.kill(os.getpid(), signal.SIGTERM)
print("never said")
"""


def test_stop_signals_right_after_a_stop_are_part_of_it_and_later_ones_end_the_process_as_before() -> None:
    ended = subprocess.run([sys.executable, "-c", _LATE], stdout=subprocess.PIPE, check=False, timeout=60)
    assert (ended.returncode, ended.stdout) == (-signal.SIGTERM, b"unharmed\n")


_LAST = """
import os, signal
from riser.core.operation import Operation
from riser.signals import SignalInbox

class Last:
    def __del__(self, kill=os.kill, pid=os.getpid()):
        kill(pid, 15)  # when the interpreter has put its own handlers away

last = Last()
with SignalInbox({signal.SIGTERM: Operation.STOP_GRACEFUL}) as inbox:
    os.kill(os.getpid(), signal.SIGTERM)
    assert inbox.drain() == [Operation.STOP_GRACEFUL]
"""


def test_a_stop_signal_that_comes_while_a_stopped_interpreter_ends_does_not_change_its_status() -> None:
    assert subprocess.run([sys.executable, "-c", _LAST], check=False, timeout=60).returncode == 0


def test_a_signal_that_the_inbox_has_no_use_for_and_no_name_for_is_passed_over() -> None:
    number = signal.SIGRTMIN + 1
    before = signal.signal(number, lambda _number, _frame: None)
    try:
        with SignalInbox({signal.SIGUSR1: Operation.STAT_GET_AND_RESET}) as inbox:
            signal.raise_signal(number)
            signal.raise_signal(signal.SIGUSR1)
            assert inbox.drain() == [Operation.STAT_GET_AND_RESET]
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize(("on_terminal", "is_heard"), [(True, False), (False, True)])
def test_a_change_of_the_window_is_no_request(*, on_terminal: bool, is_heard: bool) -> None:
    program = """
import signal
from riser.core.operation import DEFAULT_SIGNALS, SERVER_OPERATIONS
from riser.signals import by_name
raise SystemExit(signal.SIGWINCH in by_name(DEFAULT_SIGNALS, only=SERVER_OPERATIONS))
"""
    terminal, end = os.openpty()
    try:
        streams = end if on_terminal else subprocess.DEVNULL
        command = [sys.executable, "-c", program]
        ended = subprocess.run(command, stdin=streams, stdout=streams, stderr=streams, check=False, timeout=60)
    finally:
        os.close(terminal)
        os.close(end)
    assert bool(ended.returncode) is is_heard
