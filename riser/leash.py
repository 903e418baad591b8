"""A leash: while a child is on it, the child ends with its parent, whatever it is doing.

    parent                       child
    Leash, fork -------------->  hold: from now on the end of the pipe is a SIGKILL, sent by the kernel
                                 setup, at_fork, preprocess: callbacks of the user, in which it may hang for ever
                                 let_go: it serves, and its loop sees the death of the parent for itself

A child that hangs in a callback runs nothing of ours that could notice the death of its parent, and whoever waited for
it to become ready is gone (`server.parent.death`, `daemon.death`). It serves nobody yet, so there is nothing to finish.

Not PR_SET_PDEATHSIG, which would do the same: it needs ctypes, and a change of privilege takes it away.
"""

import fcntl
import os
import select
import signal


class Leash:
    """A pipe that nobody ever writes to; one for each child, since the owner of a descriptor is shared by a fork."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe2(os.O_CLOEXEC)

    def hold(self) -> None:
        """In the child, first of all: from here on it is killed when the parent ends, or at once if it has ended."""
        os.close(self._write)
        self._write = -1
        fcntl.fcntl(self._read, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(self._read, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(self._read, fcntl.F_SETFL, fcntl.fcntl(self._read, fcntl.F_GETFL) | os.O_ASYNC)
        watch = select.poll()
        watch.register(self._read, 0)  # the end of a pipe is always told
        if watch.poll(0):
            os.kill(os.getpid(), signal.SIGKILL)

    def let_go(self) -> None:
        """In the child: from here on it looks after itself."""
        if self._read >= 0:
            # Closing is not enough: what it has forked has the same pipe, and would keep the order to kill alive.
            fcntl.fcntl(self._read, fcntl.F_SETFL, fcntl.fcntl(self._read, fcntl.F_GETFL) & ~os.O_ASYNC)
            os.close(self._read)
            self._read = -1

    def keep_parent_end(self) -> None:
        """In the parent, after the fork: close the child's end."""
        os.close(self._read)
        self._read = -1

    def close(self) -> None:
        """In the parent, once the child is reaped; and in its siblings, so that they do not stand in for the parent."""
        for descriptor in (self._read, self._write):
            if descriptor >= 0:
                os.close(descriptor)
        self._read = self._write = -1
