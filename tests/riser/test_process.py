"""Children are forked, told, watched and reaped without a gap for a signal to fall into."""

import errno
import os
import signal
import sys

import pytest

from riser.core.operation import Operation
from riser.process import Child, ExitStatus, Latch, Readiness, ReadyPipe, spawn
from riser.signals import SignalInbox

from .conftest import eventually, wait_readable

pytestmark = pytest.mark.usefixtures("no_descriptor_left")


def _wait_for_signal(inbox: SignalInbox) -> int:
    wait_readable(inbox.fileno())
    return 10 + len(inbox.drain())


def test_the_value_that_a_body_returns_is_the_exit_status() -> None:
    child = spawn(lambda _inbox: 7, operations={})
    assert wait_readable(child.fileno())
    assert child.reap() == ExitStatus(code=7)
    assert child.reap() == ExitStatus(code=7)


@pytest.mark.parametrize(("leave_with", "code"), [(None, 0), (3, 3), (True, 1)])
def test_system_exit_keeps_its_status(leave_with: int | None, code: int) -> None:
    child = spawn(lambda _inbox: sys.exit(leave_with), operations={})
    assert child.reap(block=True) == ExitStatus(code=code)


def test_an_exception_becomes_status_1_and_a_traceback_and_never_returns_into_the_parents_code(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def body(_inbox: SignalInbox) -> int:
        raise ValueError("a fault of the body")

    child = spawn(body, operations={})
    assert child.reap(block=True) == ExitStatus(code=1)
    assert "a fault of the body" in capfd.readouterr().err


def test_a_signal_sent_right_after_the_fork_reaches_the_childs_own_inbox_and_not_the_parents() -> None:
    with SignalInbox({signal.SIGTERM: Operation.STOP_GRACEFUL}) as inbox:
        for _ in range(50):
            child = spawn(
                _wait_for_signal, operations={signal.SIGTERM: Operation.STOP_GRACEFUL}, close=inbox.descriptors
            )
            child.send(signal.SIGTERM)
            assert child.reap(block=True) == ExitStatus(code=11)
        assert inbox.drain() == []


def test_a_child_that_cannot_be_held_is_not_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()

    def refuse(_pid: int) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(os, "pidfd_open", refuse)
    with pytest.raises(OSError, match="Too many open files"):
        spawn(_wait_for_signal, operations={})
    os.close(write)
    assert wait_readable(read)
    assert os.read(read, 1) == b""  # nobody is left who has the other end
    os.close(read)


def test_a_signal_to_a_reaped_child_goes_nowhere() -> None:
    child = spawn(lambda _inbox: 0, operations={})
    child.reap(block=True)
    child.send(signal.SIGTERM)
    assert child.fileno() == -1


def test_a_killed_child_says_by_what() -> None:
    child = spawn(_wait_for_signal, operations={})
    assert child.reap() is None
    child.send(signal.SIGKILL)
    status = child.reap(block=True)
    assert status is not None
    assert not status.success
    assert str(status) == "killed by SIGKILL"


def test_a_child_that_someone_else_reaped_has_ended_all_the_same() -> None:
    child = spawn(lambda _inbox: 0, operations={})
    os.waitpid(child.pid, 0)
    assert child.reap() == ExitStatus()


def test_a_stopped_child_is_seen_as_stopped_until_it_continues() -> None:
    child = spawn(_wait_for_signal, operations={signal.SIGTERM: Operation.STOP_GRACEFUL})
    assert not child.is_stopped()
    child.send(signal.SIGSTOP)
    eventually(child.is_stopped, "stopped")
    assert child.is_stopped()
    child.send(signal.SIGCONT)
    eventually(lambda: not child.is_stopped(), "continued")
    child.send(signal.SIGTERM)
    assert child.reap(block=True) == ExitStatus(code=11)
    assert not child.is_stopped()


def test_the_child_closes_what_it_is_told_to() -> None:
    read, write = os.pipe()
    child = spawn(lambda _inbox: os.write(write, b"x"), operations={}, close=[read])
    os.close(write)
    assert child.reap(block=True) == ExitStatus(code=1)
    assert os.read(read, 10) == b"x"
    os.close(read)


def _start(pipe: ReadyPipe, word: str) -> Child:
    def body(_inbox: SignalInbox) -> int:
        pipe.keep_child_end()
        match word:
            case "ready":
                pipe.tell_ready()
            case "silence":
                pass
            case reason:
                pipe.tell_failure(reason)
        return 0

    child = spawn(body, operations={})
    pipe.keep_parent_end()
    return child


@pytest.mark.parametrize(
    ("word", "outcome"),
    [
        ("ready", (Readiness.READY, "")),
        ("no such table", (Readiness.FAILED, "no such table")),
        ("x" * 200_000, (Readiness.FAILED, "x" * 200_000)),
        ("silence", (Readiness.FAILED, "")),
    ],
)
def test_a_child_says_whether_it_is_ready(word: str, outcome: tuple[Readiness, str]) -> None:
    pipe = ReadyPipe()
    child = _start(pipe, word)
    answer = (Readiness.WAITING, "")
    while answer[0] is Readiness.WAITING:
        assert wait_readable(pipe.fileno())
        answer = pipe.poll()
    assert answer == outcome
    child.reap(block=True)
    pipe.close()


def test_the_end_of_a_latch_tells_every_child_that_its_parent_is_gone() -> None:
    latch = Latch()

    def body(_inbox: SignalInbox) -> int:
        return 0 if wait_readable(latch.watch()) else 1

    children = [spawn(body, operations={}) for _ in range(3)]
    assert all(child.reap() is None for child in children)
    latch.close()
    assert [child.reap(block=True) for child in children] == [ExitStatus(code=0)] * 3
