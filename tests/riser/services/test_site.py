"""What the processes of a pool have in common is there before them, is their user's alone, and goes with the pool."""

import os
import socket
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from riser.process import ExitStatus, spawn
from riser.services import site as site_module
from riser.services.config import ServicesConfig
from riser.services.registry import Registry
from riser.services.site import Site
from riser.signals import SignalInbox

from .conftest import MAY_FORK_WITH_THREADS

pytestmark = MAY_FORK_WITH_THREADS

CONFIG = ServicesConfig(process_num=2)


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where sites are made."""
    with tempfile.TemporaryDirectory(prefix="room-") as name:
        monkeypatch.setattr(tempfile, "tempdir", name)
        yield Path(name)


@pytest.fixture
def site(room: Path) -> Iterator[Site]:
    assert tempfile.gettempdir() == str(room)
    site = make_site()
    yield site
    site.close()
    site.remove()


def make_site() -> Site:
    return Site.open(Registry(), CONFIG, make_client=lambda: None)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def reaches(site: Site, slot: int) -> int:
    """The slot whose listening socket a client of this slot gets to."""
    with site.endpoint(slot).connect(time.monotonic() + 30):
        for index, listener in enumerate(site.listeners):
            listener.settimeout(0)
            try:
                listener.accept()[0].close()
            except BlockingIOError:
                continue
            return index
    return -1


def test_its_files_are_nobody_elses(site: Site, room: Path) -> None:
    assert site.directory.parent == room
    assert mode_of(site.directory) == 0o700
    assert {path.name: mode_of(path) for path in site.directory.iterdir()} == {"0.socket": 0o600, "1.socket": 0o600}


@pytest.mark.usefixtures("room")
def test_they_are_even_where_everything_is_everybodys() -> None:
    before = os.umask(0)
    try:
        site = make_site()
    finally:
        os.umask(before)
    assert mode_of(site.directory) == 0o700
    assert {mode_of(path) for path in site.directory.iterdir()} == {0o600}
    site.close()
    site.remove()


def test_each_slot_has_its_own_socket_and_lock(site: Site) -> None:
    assert [reaches(site, slot) for slot in range(2)] == [0, 1]
    assert [site.lock_path(slot) for slot in range(2)] == [site.directory / "0.lock", site.directory / "1.lock"]


def test_two_sites_have_nothing_in_common(site: Site) -> None:
    other = make_site()
    assert len({site.pool, other.pool, site.secret, other.secret, bytes(16), bytes(32)}) == 6
    assert site.directory != other.directory
    other.close()
    other.remove()


def test_it_goes_with_all_that_is_in_it_and_goes_once(site: Site) -> None:
    site.lock_path(0).touch()
    site.remove()
    assert not site.directory.exists()
    site.remove()


def test_who_closes_it_listens_no_more(site: Site) -> None:
    site.close()
    with pytest.raises(ConnectionRefusedError):
        site.endpoint(0).connect(time.monotonic() + 30)


def test_one_that_cannot_be_made_whole_is_not_there(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[socket.socket] = []
    listen = site_module._listen

    def fail_at_the_second(path: Path) -> socket.socket:
        if made:
            raise OSError("no more")
        made.append(listen(path))
        return made[-1]

    monkeypatch.setattr(site_module, "_listen", fail_at_the_second)
    with pytest.raises(OSError, match="no more"):
        make_site()
    assert made[0].fileno() == -1
    assert list(room.iterdir()) == []


def test_where_names_are_too_long_for_a_socket_another_place_is_taken(
    room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = room / ("x" * 80)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    monkeypatch.setattr(site_module, "_SHORT_DIRECTORY", str(room))
    site = make_site()
    assert site.directory.parent == room
    assert list(long.iterdir()) == []
    site.close()
    site.remove()


def test_a_fork_lets_go_of_every_other_listening_socket_and_of_nothing_else(site: Site) -> None:
    ours, theirs = socket.socketpair()
    with socket.create_server(("127.0.0.1", 0)) as foreign, ours, theirs:
        address = foreign.getsockname()

        def let_go(_inbox: SignalInbox) -> int:
            site.let_go_of_foreign_listeners()
            is_null = os.fstat(foreign.fileno()).st_rdev == Path(os.devnull).stat().st_rdev
            theirs.sendall(b"y" if is_null and [reaches(site, slot) for slot in range(2)] == [0, 1] else b"n")
            # Until the other side has seen that the port is free.
            return theirs.recv(1)[0]

        child = spawn(let_go, operations={})
        ours.settimeout(30)
        assert ours.recv(1) == b"y"
        foreign.close()
        with socket.create_server(address):
            ours.sendall(b"\0")
            assert child.reap(block=True) == ExitStatus(code=0)
