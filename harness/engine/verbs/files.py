"""file and write: what is in the file system. Relative paths are below the workspace."""

from __future__ import annotations

import fcntl
import grp
import os
import pwd
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from harness.engine.lookup import Given
from harness.engine.match import check
from harness.engine.verdicts import StepErroredError, StepFailedError

if TYPE_CHECKING:
    from harness.engine.world import World
    from harness.model.matchers import Matcher
    from harness.model.steps import File, Write
    from harness.model.values import Text


async def file(step: File, world: World) -> Given:
    """Look at a file."""
    path = _path(step.of, world)
    if step.exists is False:
        if os.path.lexists(path):
            raise StepFailedError(f"{path} is there, expected none")
        return Given(world.timeline.mark())
    if step.target is not None:
        _compare("target", step.target, _target(path), path, world)
    if step.exists or step.mode is not None or step.owner is not None or step.group is not None:
        status = _status(path, follow=step.target is None)
        if step.mode is not None:
            _compare("mode", step.mode, f"{stat.S_IMODE(status.st_mode):04o}", path, world)
        if step.owner is not None:
            _compare("owner", step.owner, _user_name(status.st_uid), path, world)
        if step.group is not None:
            _compare("group", step.group, _group_name(status.st_gid), path, world)
    if step.content is not None:
        _compare("content", step.content, _content(path), path, world)
    if step.locked is not None and _is_locked(path) != step.locked:
        expected = "somebody to hold" if step.locked else "nobody to hold"
        raise StepFailedError(f"{path} is {'not ' if step.locked else ''}locked, expected {expected} flock(2) on it")
    return Given(world.timeline.mark())


async def write(step: Write, world: World) -> Given:
    """Write a file, whole."""
    path = _path(step.of, world)
    mark = world.timeline.mark()
    content = _new_content(step, world)
    try:
        path.write_bytes(content)
        if step.mode is not None:
            path.chmod(int(step.mode, 8))
    except OSError as error:
        raise StepErroredError(f"{path} cannot be written: {error.strerror}") from error
    return Given(mark)


def _new_content(step: Write, world: World) -> bytes:
    if step.copy is None:
        return b"" if step.content is None else world.scope.text(step.content).encode()
    path = _path(step.copy, world)
    try:
        return path.read_bytes()
    except OSError as error:
        raise StepErroredError(f"{path} cannot be copied: {error.strerror}") from error


def is_locked(path: Path) -> bool:
    """Whether somebody holds flock(2) on the file.

    /proc/locks tells without touching the lock. It may know the file under another number (overlay file systems), so
    what it does not list is tried: with a shared lock for an instant, which can only disturb one who is about to lock.
    """
    status = path.stat()
    device = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    try:
        table = Path("/proc/locks").read_text()
    except OSError:
        table = ""
    if any(device in row.split() for row in table.splitlines() if "FLOCK" in row):
        return True
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _compare(what: str, matcher: Matcher, actual: str, path: Path, world: World) -> None:
    problem = check(matcher, actual, world.scope)
    if problem is not None:
        raise StepFailedError(f"{what} of {path}: {problem}")


def _user_name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group_name(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _status(path: Path, *, follow: bool) -> os.stat_result:
    try:
        return path.stat(follow_symlinks=follow)
    except OSError as error:
        raise _unseen(path, error) from None


def _is_locked(path: Path) -> bool:
    try:
        return is_locked(path)
    except OSError as error:
        raise _unseen(path, error) from None


def _unseen(path: Path, error: OSError) -> StepFailedError:
    return StepFailedError(f"{path} cannot be looked at: {error.strerror}")


def _path(text: Text, world: World) -> Path:
    return world.workspace / world.scope.text(text)


def _content(path: Path) -> str:
    try:
        return path.read_text(errors="backslashreplace")
    except OSError as error:
        raise _unseen(path, error) from None


def _target(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError as error:
        raise _unseen(path, error) from None
