"""A pool of service processes: who carries out what, how it starts, and how it ends."""

import contextlib
import os
import signal
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from riser.errors import CallbackError
from riser.process import ExitStatus, spawn
from riser.services.errors import NotStartedError, ServiceUnavailableError, UnknownServiceError
from riser.services.services import Services
from riser.signals import SignalInbox

from .conftest import MAY_FORK_WITH_THREADS, eventually, make_services

pytestmark = MAY_FORK_WITH_THREADS


def site_of(services: Services) -> Path:
    directory: Path = services._backend._site.directory  # type: ignore[attr-defined]
    return directory


def children() -> set[int]:
    """All descendants of this process."""
    found, new = set[int](), {os.getpid()}
    while new:
        found |= new
        new = {
            int(child) for pid in new for task in tasks_of(pid) for child in text_of(task / "children").split()
        } - found
    return found - {os.getpid()}


def tasks_of(pid: int) -> list[Path]:
    """The threads of a process, which may be gone in the middle of this look."""
    with contextlib.suppress(OSError):
        return list(Path(f"/proc/{pid}/task").iterdir())
    return []


def open_descriptors() -> set[str]:
    return {entry.name for entry in Path("/proc/self/fd").iterdir() if entry.exists()}


def text_of(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


# Patterns


def test_any_reaches_all_processes(pool: Services) -> None:
    assert len({pool.call_service("pid") for _ in range(200)}) == 2


def test_single_services_stay_and_spread(pool: Services) -> None:
    assert len({pool.get_service("workshop").pid() for _ in range(20)}) == 1
    assert pool.get_service("workshop").pid() != pool.get_service("other").pid()


def test_sticky_keys_stay_and_spread_and_threads_and_processes_agree(pool: Services) -> None:
    keys = [f"key {number}" for number in range(40)]
    places = [pool["pid by key", key] for key in keys]
    assert len(set(places)) == 2
    workshops = [pool.get_service("by key", key).pid() for key in keys]
    assert [pool["by key", key].pid() for key in keys] == workshops
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda key: pool["pid by key", key], keys)) == places

    def agree(_inbox: SignalInbox) -> int:
        pool.start_client()
        return 0 if [pool["pid by key", key] for key in keys] == places else 1

    assert spawn(agree, operations={}).reap(block=True) == ExitStatus(code=0)


def test_service_processes_are_none_of_the_callers(pool: Services) -> None:
    pids = {pool.call_service("pid") for _ in range(100)}
    assert os.getpid() not in pids
    assert pids < children()


def test_unknown_names_and_wrong_keys_are_refused_as_without_processes(pool: Services) -> None:
    with pytest.raises(UnknownServiceError, match="'nobody'"):
        pool["nobody"]
    with pytest.raises(TypeError, match="is got with a key, not with 0 values"):
        pool.get_service("by key")


def test_the_one_or_the_other(pool: Services) -> None:
    assert pool["pid"] in {pool.call_service("pid") for _ in range(100)}
    assert pool["workshop"].echo(1) == 1
    assert pool["by key", "a"].echo(2) == 2


def test_a_service_calls_another_one(pool: Services) -> None:
    other = pool.get_service("other")
    assert pool.get_service("workshop").inside(other.book(), lambda: "done")[1] == "done"
    assert other.book().history()[1] == [""]


def test_a_block_passes_through_two_services(pool: Services) -> None:
    seen: list[int] = []
    other = pool.get_service("other")
    assert pool.get_service("workshop").repeat(2, other.echo) == [0, 1]
    pool.get_service("workshop").fill(_Calls(other, seen), 2)
    assert seen == [0, 1]


class _Calls:
    __riser_by_reference__ = True

    def __init__(self, other: Any, seen: list[int]) -> None:
        self.other = other
        self.seen = seen

    def append(self, number: int) -> None:
        self.other.repeat(1, lambda _: self.seen.append(number))


# Life


def test_callbacks_run_in_the_service_processes_and_in_order(tmp_path: Path) -> None:
    log = tmp_path / "log"
    services = Services(2)
    services.add_any_process_service("one", "One")
    services.add_any_process_service("two", "Two")

    def note(what: str) -> Callable[[str], None]:
        def write(front: str) -> None:
            with log.open("a") as file:
                file.write(f"{os.getpid()} {what} {front}\n")

        return write

    for name in ("one", "two"):
        services.at_fork(name)(note("fork"))
        services.preprocess(name)(note("pre"))
        services.postprocess(name)(note("post"))
    services.start_server()
    started = log.read_text().splitlines()
    services.stop_server()
    lines = log.read_text().splitlines()
    assert not any("post" in line for line in started)
    pids = {line.split()[0] for line in lines}
    assert len(pids) == 2
    assert str(os.getpid()) not in pids
    for pid in pids:
        assert [line.split(maxsplit=1)[1] for line in lines if line.startswith(pid)] == [
            *("fork One", "fork Two", "pre One", "pre Two"),
            *("post Two", "post One"),
        ]


def test_a_lifespan_is_entered_and_left_in_the_service_process(tmp_path: Path) -> None:
    services = Services(1)
    services.single_process("pids", factory=list)

    @services.lifespan("pids")
    def span(pids: list[int]) -> Iterator[None]:
        pids.append(os.getpid())
        yield
        (tmp_path / "left").write_text(str(os.getpid()))

    with services:
        (pid,) = services.get_service("pids")
        assert pid != os.getpid()
    assert (tmp_path / "left").read_text() == str(pid)


@pytest.mark.parametrize("what", ["factory", "at_fork", "preprocess"])
def test_what_fails_makes_the_start_fail_and_leaves_nothing(what: str) -> None:
    before = children()
    services = make_services(2)
    services.single_process("bad", factory=lambda: int("missing") if what == "factory" else 0)
    if what == "at_fork":
        services.at_fork("bad")(lambda front: front["missing"])
    if what == "preprocess":
        services.preprocess("bad")(lambda front: front["missing"])
    with pytest.raises(CallbackError, match=f"{what} of service 'bad' failed: (ValueError|TypeError): "):
        services.start_server()
    assert children() <= before
    with pytest.raises(NotStartedError):
        services.call_service("pid")


def test_a_service_process_that_ends_before_it_serves_makes_the_start_fail() -> None:
    services = Services(1)
    services.single_process("bad", factory=lambda: os._exit(3))
    with pytest.raises(CallbackError, match="service process 0 failed: exit status 3"):
        services.start_server()


def test_a_service_process_that_does_not_get_ready_is_ended() -> None:
    services = Services(1, start_timeout_seconds=0.2)
    services.single_process("bad", factory=lambda: time.sleep(60))
    with pytest.raises(CallbackError, match="service process 0 failed: killed by SIGALRM"):
        services.start_server()


def test_nothing_is_left_after_the_stop() -> None:
    before = children(), open_descriptors(), set(threading.enumerate())
    services = make_services(3)
    with services:
        directory = site_of(services)
        assert services["pid"]
        assert len(children() - before[0]) == 5
    assert not directory.exists()
    assert children() <= before[0]
    assert open_descriptors() <= before[1]
    assert set(threading.enumerate()) <= before[2]


def test_services_can_be_started_again() -> None:
    services = make_services(1)
    for _ in range(2):
        with services:
            assert services["workshop"].echo(1) == 1
        with pytest.raises(NotStartedError):
            services.start_client()


def test_a_start_while_started_is_refused(pool: Services) -> None:
    with pytest.raises(NotStartedError, match="started already"):
        pool.start_server()
    assert pool["workshop"].echo(1) == 1


def test_calls_under_way_are_finished_at_the_stop_and_the_rest_is_told() -> None:
    services = make_services(1, drain_seconds=30, stop_timeout_seconds=60)
    services.start_server()
    services.start_client()
    workshop = services.get_service("workshop")
    with ThreadPoolExecutor(1) as threads:
        # So long that this thread sees it, however busy the machine is.
        answer = threads.submit(workshop.sleep, 3)
        eventually(lambda: workshop.sleeping() == 1, "the call is under way")
        services._backend.stop_server()
        assert answer.result(30) is None
    with pytest.raises(ServiceUnavailableError, match="nobody listens there"):
        workshop.echo(1)
    services.stop_client()


def test_an_open_with_is_left_at_the_stop(tmp_path: Path) -> None:
    services = Services(1)

    class Door:
        def __enter__(self) -> None:
            pass

        def __exit__(self, *error: object) -> None:
            (tmp_path / "left").write_text(str(error[1]))

    services.single_process("door", factory=Door)
    with services:
        services.get_service("door").__enter__()
        services._backend.stop_server()
    assert "the client is gone" in (tmp_path / "left").read_text()


def test_the_sockets_are_the_users_own(pool: Services) -> None:
    directory = site_of(pool)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    for slot in range(2):
        assert stat.S_IMODE((directory / f"{slot}.socket").stat().st_mode) == 0o600


def test_the_pool_does_not_keep_the_servers_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, make_services(1) as services:
        address = listening.getsockname()
        listening.close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address, timeout=10)
        assert services["workshop"].echo(1) == 1


def test_when_the_server_dies_the_pool_ends() -> None:
    read, write = os.pipe()
    before = children()

    def serve(_inbox: SignalInbox) -> int:
        services = make_services(2)
        services.start_server()
        os.write(write, str(site_of(services)).encode())
        time.sleep(60)
        return 0

    server = spawn(serve, operations={})
    directory = Path(os.read(read, 1000).decode())
    assert len(children() - before) == 5

    server.send(signal.SIGKILL)
    server.reap(block=True)
    eventually(lambda: children() <= before, "the pool ended")
    eventually(lambda: not directory.exists(), "its directory removed")
    os.close(read)
    os.close(write)


def test_signals_for_the_servers_group_do_not_end_the_pool(pool: Services) -> None:

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1):
        for pid in children():
            os.kill(pid, number)
    assert pool["workshop"].pid() in children()
    assert pool["workshop"].echo(1) == 1


def test_a_child_of_the_server_neither_keeps_the_pool_alive_nor_ends_it() -> None:
    services = make_services(1)
    services.start_server()
    read, write = os.pipe()

    def work(_inbox: SignalInbox) -> int:
        services.detach_server()
        services.start_client()
        services.stop_server()
        os.close(write)
        time.sleep(60)
        return 0

    child = spawn(work, operations={})
    os.close(write)
    services.start_client()
    assert services["workshop"].echo(1) == 1
    began = time.monotonic()
    services.stop_server()
    assert time.monotonic() - began < 10

    child.send(signal.SIGKILL)
    child.reap(block=True)
    os.close(read)
