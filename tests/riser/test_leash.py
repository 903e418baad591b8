"""A child on a leash ends with its parent, whatever it does; one that has been let go does not."""

import os
import signal
import threading
from typing import NoReturn

import pytest

from riser.channel import channel
from riser.leash import Leash
from riser.process import ExitStatus, Latch, spawn
from riser.signals import SignalInbox
from riser.worker import Inlet

from .conftest import DEADLINE_SECONDS, wait_readable
from .test_acceptor import Hall, StillLoop

pytestmark = pytest.mark.usefixtures("no_descriptor_left")


def _hang() -> NoReturn:
    while True:
        threading.Event().wait()


def _read(descriptor: int) -> bytes:
    assert wait_readable(descriptor, DEADLINE_SECONDS)
    return os.read(descriptor, 1)


def test_a_child_that_hangs_ends_with_its_parent() -> None:
    """`server.parent.death`."""
    read, write = os.pipe()  # ends when the last who has its writing end does

    def child(_inbox: SignalInbox, leash: Leash) -> int:
        leash.hold()
        os.write(write, b"h")
        _hang()

    def parent(_inbox: SignalInbox) -> int:
        leash = Leash()
        spawn(lambda inbox: child(inbox, leash), operations={})
        leash.keep_parent_end()
        _hang()

    above = spawn(parent, operations={})
    os.close(write)
    assert _read(read) == b"h"
    above.send(signal.SIGKILL)
    above.reap(block=True)
    assert _read(read) == b""
    os.close(read)


def test_a_child_that_takes_its_leash_after_the_death_of_its_parent_ends_at_once() -> None:
    leash = Leash()
    go_read, go_write = os.pipe()

    def child(_inbox: SignalInbox) -> int:
        _read(go_read)
        leash.hold()
        return 0

    process = spawn(child, operations={}, close=[go_write])
    leash.close()
    os.close(go_read)
    os.close(go_write)
    assert process.reap(block=True) == ExitStatus(signal_number=signal.SIGKILL)


def test_a_child_that_was_let_go_outlives_its_parent_although_its_own_child_has_the_pipe_too() -> None:
    read, write = os.pipe()

    def child(_inbox: SignalInbox, leash: Leash, latch: Latch) -> int:
        leash.hold()
        parent_ends = latch.watch()
        end_read, end_write = os.pipe()
        grandchild = spawn(lambda _inbox: len(_read(end_read)), operations={}, close=[end_write])
        leash.let_go()
        os.write(write, b"l")
        _read(parent_ends)
        os.write(write, b"a")
        os.close(end_write)
        grandchild.reap(block=True)
        return 0

    def parent(_inbox: SignalInbox) -> int:
        leash, latch = Leash(), Latch()
        spawn(lambda inbox: child(inbox, leash, latch), operations={})
        leash.keep_parent_end()
        _hang()

    above = spawn(parent, operations={})
    os.close(write)
    assert _read(read) == b"l"
    above.send(signal.SIGKILL)
    above.reap(block=True)
    assert _read(read) == b"a"
    assert _read(read) == b""
    os.close(read)


def test_a_child_is_let_go_before_its_parent_hears_that_it_is_ready() -> None:
    """`server.parent.death`: the parent may end as soon as it has heard, and who serves is not to be killed."""
    parent, child = channel()
    said_before: list[bool] = []

    class Watched(Leash):
        def let_go(self) -> None:
            said_before.append(parent.receive().ready)
            super().let_go()

    leash = Watched()
    loop = StillLoop(SignalInbox({}), stop_timeout_seconds=None)
    Inlet(child, leash).begin(loop, Hall(places=1))
    assert said_before == [False]
    assert parent.receive().ready
    for end in (leash, child, parent, loop):
        end.close()
