"""What has to be done when a process forks, for as long as the object lives that has to do it."""

import os
from weakref import ref


class ForkAware:
    """Told of every fork of the process by `os.fork`, in the thread that forks."""

    def before_fork(self) -> None:
        """In the parent, before."""

    def after_fork_in_parent(self) -> None:
        """In the parent, after."""

    def after_fork_in_child(self) -> None:
        """In the child, where no other thread exists."""


class OnlyHere(ForkAware):
    """Descriptors that mean something by being closed, and so must not live on in children."""

    def __init__(self, *descriptors: int) -> None:
        self._descriptors = descriptors
        watch_forks(self)

    def after_fork_in_child(self) -> None:
        """Close them."""
        self.close()

    def close(self) -> None:
        """Close them here."""
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors = ()


_aware: "list[ref[ForkAware]]" = []
"""Not a WeakSet, which cannot be read while another thread adds to it."""


def watch_forks(thing: ForkAware) -> None:
    """Tell it of forks."""
    _aware.append(ref(thing, _aware.remove))


def _alive() -> list[ForkAware]:
    return [thing for aware in _aware.copy() if (thing := aware()) is not None]


def _before() -> None:
    for thing in _alive():
        thing.before_fork()


def _in_parent() -> None:
    for thing in _alive():
        thing.after_fork_in_parent()


def _in_child() -> None:
    for thing in _alive():
        thing.after_fork_in_child()


os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
