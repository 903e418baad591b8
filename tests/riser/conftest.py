"""Shared by the tests of riser: descriptors watched, servers run in threads or processes, waits with deadlines."""

import contextlib
import os
import select
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

DEADLINE_SECONDS = 30.0
"""Far above what anything here takes; a test that reaches it has failed."""


def wait_readable(descriptor: int, seconds: float = DEADLINE_SECONDS) -> bool:
    """Whether the descriptor became readable in time."""
    return bool(select.select([descriptor], [], [], seconds)[0])


def eventually(condition: Callable[[], object], what: str, seconds: float = DEADLINE_SECONDS) -> None:
    """Wait for a condition that has no descriptor to wait on."""
    deadline = time.monotonic() + seconds
    pause = select.poll()
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        pause.poll(2)


def open_descriptors() -> set[int]:
    """The descriptors of this process."""
    return {int(entry.name) for entry in Path("/proc/self/fd").iterdir() if entry.exists()}


@pytest.fixture
def no_descriptor_left() -> Iterator[None]:
    """Fails a test after which more descriptors are open than before."""
    before = open_descriptors()
    yield
    assert open_descriptors() <= before


@pytest.fixture
def short_path(tmp_path: Path) -> Iterator[Path]:
    """A directory whose name is short enough for Unix sockets, wherever pytest keeps its own."""
    link = Path(f"/tmp/riser-{os.getpid()}-{time.monotonic_ns() % 10**9}")
    link.symlink_to(tmp_path)
    yield link
    link.unlink()


@contextlib.contextmanager
def connected(address: tuple[str, int] | str, family: int = socket.AF_INET) -> Iterator[socket.socket]:
    """A client with a deadline."""
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(DEADLINE_SECONDS)
        client.connect(address)
        yield client
