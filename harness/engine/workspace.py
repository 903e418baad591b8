"""The private directory of an item: short, so that the paths of Unix sockets in it fit, and gone afterwards."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST_SOCKET_NAME = 40
"""What is left for the names below a workspace, of the 107 bytes that the kernel takes for a socket's path."""


class RootTooLongError(OSError):
    """Workspaces cannot be made in this directory: no Unix socket below it could have a path that the kernel takes."""

    def __init__(self, root: Path) -> None:
        super().__init__(f"the path of {root} is too long for Unix sockets below it; choose a shorter one (TMPDIR)")


@contextmanager
def workspace(root: Path, *, open_to_others: bool = False) -> Iterator[Workspace]:
    """Make a directory below `root`, and remove it in the end unless `Workspace.keep` was set.

    `open_to_others` lets processes of other users pass through it, for testees that drop their privileges.
    """
    root = root.resolve()
    if len(os.fsencode(root)) > 107 - _LONGEST_SOCKET_NAME:
        raise RootTooLongError(root)
    made = Workspace(Path(tempfile.mkdtemp(prefix="h-", dir=root)))
    if open_to_others:
        made.path.chmod(0o711)
    try:
        yield made
    finally:
        if not made.keep:
            made.remove()


class Workspace:
    """A directory that is removed unless it is to be kept."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.keep = False

    def sockets(self) -> list[Path]:
        """The socket files that are in it now."""
        found: list[Path] = []
        for directory, _, names in os.walk(self.path):
            for name in names:
                path = Path(directory, name)
                if _is_socket(path):
                    found.append(path)
        return sorted(found)

    def remove(self) -> None:
        """Remove it, also where a scenario took the permissions away from directories in it."""
        try:
            shutil.rmtree(self.path)
        except OSError:
            # Top down: a directory is opened before it is looked into.
            _open_up(self.path)
            for directory, names, _ in os.walk(self.path):
                for path in (Path(directory, name) for name in names):
                    if not path.is_symlink():
                        _open_up(path)
            shutil.rmtree(self.path, ignore_errors=True)


def _is_socket(path: Path) -> bool:
    try:
        return stat.S_ISSOCK(path.lstat().st_mode)
    except FileNotFoundError:
        return False


def _open_up(directory: Path) -> None:
    # One that belongs to somebody else stays as it is, and is left behind with what is in it.
    with suppress(OSError):
        directory.chmod(0o700)
