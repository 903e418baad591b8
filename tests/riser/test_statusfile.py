"""The status file: who holds its lock, what it says, and what a reader can see."""

import fcntl
import multiprocessing
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from riser import statusfile
from riser.errors import AlreadyRunningError
from riser.statusfile import StatusFile, StatusFileError, running


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "d.status")


@pytest.fixture
def held(path: str) -> Iterator[StatusFile]:
    status_file = StatusFile.acquire(path, daemon_name="steady")
    yield status_file
    status_file.release()


def test_nothing_runs_without_a_file(path: str) -> None:
    assert not running(path)


def test_nothing_runs_without_a_lock(path: str) -> None:
    Path(path).write_text("---\npid: 1\n")
    assert not running(path)


def test_runs_while_locked(path: str) -> None:
    status_file = StatusFile.acquire(path, daemon_name="steady")
    assert running(path)
    status_file.release()
    assert not running(path)


def test_content_is_yaml_with_the_pid(path: str, held: StatusFile) -> None:
    held.write(4711)
    assert Path(path).read_text().rstrip("\n") == "---\npid: 4711"


def test_longer_old_content_is_replaced(path: str) -> None:
    Path(path).write_text("---\npid: 999999999\n# whatever was here before\n")
    status_file = StatusFile.acquire(path, daemon_name="steady")
    status_file.write(1)
    assert Path(path).read_text().rstrip("\n") == "---\npid: 1"
    status_file.release()


@pytest.mark.parametrize(
    "before", ["", "---\npid: null\n", "---\npid: 4194304\n", "# of something else\nport: 8080\n" * 9]
)
def test_a_reader_finds_one_text_or_the_other(path: str, before: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """status.atomic: also between any two system calls that change the file."""
    Path(path).write_text(before)
    seen: list[str] = []

    def look_around(call: Callable[..., object]) -> Callable[..., object]:
        def looked_around(*arguments: object) -> object:
            seen.append(Path(path).read_text())
            result = call(*arguments)
            seen.append(Path(path).read_text())
            return result

        return looked_around

    status_file = StatusFile.acquire(path, daemon_name="steady")
    for name in ("pwrite", "write", "truncate", "ftruncate"):
        monkeypatch.setattr(os, name, look_around(getattr(os, name)))
    status_file.write(99)
    status_file.release()
    assert {text.rstrip("\n") for text in seen} == {before.rstrip("\n"), "---\npid: 99", "---\npid: null"}
    assert "" not in seen[1:]


def test_the_length_never_changes(path: str) -> None:
    """status.atomic: who reads on after the old text finds nothing of the new one behind it."""
    lengths = set()
    for pid in (1, 4711, 4194304):
        status_file = StatusFile.acquire(path, daemon_name="steady")
        status_file.write(pid)
        lengths.add(Path(path).stat().st_size)
        status_file.release()
        lengths.add(Path(path).stat().st_size)
    assert len(lengths) == 1


def test_release_takes_the_pid_out(path: str) -> None:
    status_file = StatusFile.acquire(path, daemon_name="steady")
    status_file.write(4711)
    status_file.release()
    assert Path(path).read_text().rstrip("\n") == "---\npid: null"


@pytest.mark.usefixtures("held")
def test_second_daemon_is_told_which_one_runs(path: str) -> None:
    with pytest.raises(AlreadyRunningError, match=r"steady daemon is already running .*d\.status"):
        StatusFile.acquire(path, daemon_name="steady")


def test_refused_start_keeps_no_descriptor(path: str, held: StatusFile) -> None:
    with pytest.raises(AlreadyRunningError):
        StatusFile.acquire(path, daemon_name="steady")
    held.close()
    assert not running(path)
    held.descriptor = os.open(path, os.O_RDWR)


def test_asking_takes_nothing_away_from_a_start(path: str) -> None:
    Path(path).touch()
    asker = os.open(path, os.O_RDONLY)
    fcntl.flock(asker, fcntl.LOCK_SH)
    context = multiprocessing.get_context("spawn")
    start = context.Process(target=_acquire_and_exit, args=(path,))
    start.start()
    # It is not refused while somebody asks, and gets the lock once nobody does any more.
    start.join(2 * statusfile.EXCLUSIVE_ASKER_SECONDS)
    assert start.exitcode is None
    os.close(asker)
    start.join(30)
    assert start.exitcode == 0


def test_asker_that_stays_ends_the_patience(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statusfile, "ASKERS_SECONDS", 0.05)
    Path(path).touch()
    asker = os.open(path, os.O_RDONLY)
    fcntl.flock(asker, fcntl.LOCK_SH)
    with pytest.raises(AlreadyRunningError):
        StatusFile.acquire(path, daemon_name="steady")
    os.close(asker)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StatusFileError, match="Permission denied"):
        StatusFile.acquire(str(tmp_path / "d.status"), daemon_name="steady")


def test_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StatusFileError, match=r"status_file .*nowhere/d\.status: No such file or directory"):
        StatusFile.acquire(str(tmp_path / "nowhere" / "d.status"), daemon_name="steady")


def test_full_disk_is_named(path: str) -> None:
    Path(path).symlink_to("/dev/full")
    status_file = StatusFile.acquire(path, daemon_name="steady")
    with pytest.raises(StatusFileError, match="No space left on device"):
        status_file.write(1)
    status_file.release()


def _acquire_and_exit(path: str) -> None:
    StatusFile.acquire(path, daemon_name="steady").release()
