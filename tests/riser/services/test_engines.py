"""Service processes on a cluster: the same program, the same calls, and whoever is killed is placed anew.

`RISER_ENGINE` says on whose: Dask's, unless it says `ray`. Ray binds every address, so that is for `tox -e ray`, which
runs these tests where there is nothing but the loopback interface.
"""

import contextlib
import gc
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from riser.errors import CallbackError, ConfigError
from riser.process import spawn
from riser.resource import ResourceSet
from riser.services.engines.dask import DaskEngine
from riser.services.engines.engine import Engine
from riser.services.engines.extras import MissingExtraError
from riser.services.engines.order import pack
from riser.services.engines.ray import RayEngine
from riser.services.errors import NotStartedError, ServiceDied, ServiceUnavailableError, StaleReference, StopBlock
from riser.services.services import Services
from riser.signals import SignalInbox

from .clusters import ROOT, is_alive, parent_of, running
from .conftest import MAY_FORK_WITH_THREADS, Odd, eventually, has_heard_of_the_end, make_services
from .test_healing import kill

pytestmark = MAY_FORK_WITH_THREADS

NO_SCHEDULER, NO_HEAD = DaskEngine("tcp://127.0.0.1:1"), RayEngine("127.0.0.1:1")
Cluster = DaskEngine | RayEngine
ENGINE: type[Cluster] = {"dask": DaskEngine, "ray": RayEngine}[os.environ.get("RISER_ENGINE", "dask")]
DOCUMENT = ROOT / "docs" / "services.md"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Two workers under a nanny each, or two nodes, and what goes with them."""
    with running(ENGINE.extra) as address:
        yield ENGINE(address)


def on(engine: Engine, process_num: int = 2) -> Services:
    services = make_services(process_num, engine=engine, start_timeout_seconds=120, connect_timeout_seconds=120)
    services.add_any_process_service("parent", os.getppid)
    return services


@pytest.fixture(scope="module")
def placed(cluster: Cluster) -> Iterator[Services]:
    """A pool of two on the cluster."""
    with on(cluster) as services:
        yield services


@pytest.fixture
def workshop(placed: Services) -> Any:
    return placed.get_service("workshop")


# Calls


def test_calls_go_where_their_pattern_says_and_the_processes_are_spread_over_the_workers(placed: Services) -> None:
    assert len({placed.call_service("pid") for _ in range(200)}) == 2
    assert len({placed.call_service("parent") for _ in range(200)}) == 2
    assert len({placed.get_service("workshop").pid() for _ in range(20)}) == 1
    assert placed.get_service("workshop").pid() != placed.get_service("other").pid()
    keys = [f"key {number}" for number in range(40)]
    places = [placed["pid by key", key] for key in keys]
    assert len(set(places)) == 2
    assert [placed["pid by key", key] for key in keys] == places


def test_blocks_run_in_their_caller_and_stop(workshop: Any) -> None:
    seen: list[int] = []
    assert workshop.repeat(3, lambda number: seen.append(number + 1)) == [None] * 3
    assert seen == [1, 2, 3]

    def stop(_number: int) -> None:
        raise StopBlock("stopped")

    assert workshop.repeat(3, stop) == "stopped"


def test_references_are_held_and_come_home(workshop: Any) -> None:
    thing = workshop.keep("kept")
    assert thing.title == "Kept"
    assert workshop.holds(thing)
    del thing
    gc.collect()
    eventually(lambda: workshop.ended() == [True], "released")


def test_exceptions_keep_their_type_and_their_traceback(workshop: Any) -> None:
    with pytest.raises(Odd, match="odd 3") as caught:
        workshop.fail_oddly()
    assert "in fail_oddly" in str(caught.value.__cause__)


def test_a_with_is_left_and_a_generator_ends_where_they_began(workshop: Any) -> None:
    with workshop.transaction() as inside:
        inside.note("done")
        assert workshop.locked() is False
    with contextlib.suppress(ZeroDivisionError), workshop.transaction() as inside:
        inside.note("undone")
        raise ZeroDivisionError
    assert workshop.notes() == ["done"]
    assert [number for number, _ in workshop.count(4)] == [0, 1, 2, 3]


def test_a_service_calls_another_on_another_machine(placed: Services, workshop: Any) -> None:
    other = placed.get_service("other")
    assert workshop.inside(other.book(), lambda: "done")[1] == "done"
    assert workshop.repeat(2, other.echo) == [0, 1]


def test_large_values_go_there_and_back(workshop: Any) -> None:
    value = os.urandom(4 << 20)
    assert workshop.echo(value) == value


def test_a_forked_process_is_a_client_too(placed: Services, workshop: Any) -> None:
    pid = workshop.pid()

    def ask(_inbox: SignalInbox) -> int:
        placed.detach_server()
        placed.start_client()
        return 0 if placed.get_service("workshop").pid() == pid == workshop.pid() else 1

    status = spawn(ask, operations={}).reap(block=True)
    assert status is not None
    assert status.success
    assert workshop.pid() == pid


# Failures


def test_a_call_whose_process_dies_says_so_and_the_process_is_placed_anew(workshop: Any) -> None:
    pid, thing = workshop.pid(), workshop.make("lost")
    with pytest.raises(ServiceDied):
        workshop.die()
    assert workshop.pid() != pid
    with pytest.raises(StaleReference):
        thing.me()


def test_an_idle_process_that_died_is_not_noticed(placed: Services, workshop: Any) -> None:
    pid = workshop.pid()
    kill(pid)
    eventually(lambda: has_heard_of_the_end(placed), "its connections have ended")
    assert workshop.pid() != pid


def test_the_processes_of_a_killed_worker_are_placed_anew(placed: Services, workshop: Any) -> None:
    pid = workshop.pid()
    worker = parent_of(pid)
    # After others have died, both may be of this worker.
    pids = [each for each in {placed.call_service("pid") for _ in range(200)} if parent_of(each) == worker]
    kill(worker)
    eventually(lambda: not any(map(is_alive, pids)), "the service processes ended with their worker")
    for slot in range(len(pids)):
        eventually(partial(has_heard_of_the_end, placed, slot), "their connections have ended")
    assert workshop.pid() != pid
    assert len({placed.call_service("pid") for _ in range(200)}) == 2


def test_when_the_connector_is_killed_another_takes_its_place(placed: Services, workshop: Any) -> None:
    pids = {placed.call_service("pid") for _ in range(200)}
    inner = placed._backend._inner  # type: ignore[attr-defined]
    kill(inner.get_service("connector").pid())
    eventually(lambda: not any(map(is_alive, pids)), "the service processes ended with it")
    for slot in range(2):
        eventually(partial(has_heard_of_the_end, placed, slot), "their connections have ended")
    assert workshop.pid() not in pids
    assert workshop.echo(1) == 1


# Life


def test_callbacks_are_called_in_the_service_process_and_nothing_is_left(cluster: Cluster, tmp_path: Path) -> None:
    services = on(cluster, 1)
    log = tmp_path / "log"

    def note(what: str) -> Any:
        def write(_front: Any) -> None:
            with log.open("a") as file:
                file.write(f"{what} {os.getpid()}\n")

        return write

    services.at_fork("workshop")(note("at_fork"))
    services.preprocess("workshop")(note("preprocess"))
    services.postprocess("workshop")(note("postprocess"))
    with services:
        pid = services.get_service("workshop").pid()
    assert log.read_text().split() == ["at_fork", str(pid), "preprocess", str(pid), "postprocess", str(pid)]
    eventually(lambda: not is_alive(pid), "the service process ended")
    with pytest.raises(NotStartedError):
        services.call_service("pid")


def test_what_fails_in_a_service_process_makes_the_start_fail(cluster: Cluster) -> None:
    services = on(cluster, 1)
    services.single_process("bad", factory=lambda: int("missing"))
    with pytest.raises(CallbackError, match="factory of service 'bad' failed: ValueError: "):
        services.start_server()


def test_when_the_server_is_killed_its_service_processes_end(cluster: Cluster) -> None:
    read, write = os.pipe()

    def serve(_inbox: SignalInbox) -> int:
        services = on(cluster, 1)
        services.start_server()
        services.start_client()
        os.write(write, str(services.call_service("pid")).encode())
        signal.pause()
        return 0

    server = spawn(serve, operations={})
    os.close(write)
    pid = int(os.read(read, 100))
    assert is_alive(pid)
    server.send(signal.SIGKILL)
    server.reap(block=True)
    eventually(lambda: not is_alive(pid), "the service process ended")
    os.close(read)


def test_the_documented_program_runs_and_its_own_process_imports_no_engine(cluster: Cluster, tmp_path: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    (shown,) = [block for block in blocks if "DaskEngine" in block]
    program = tmp_path / "program.py"
    shown = shown.replace("DaskEngine(sys.argv[1])", f"{ENGINE.__name__}(sys.argv[1]), start_timeout_seconds=120")
    program.write_text(shown + 'print(sorted({"dask", "distributed", "ray"} & set(sys.modules)))\n')
    done = subprocess.run(
        [sys.executable, "-W", "error", str(program), cluster.address],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "8 3\nsold: apple\nKEY\n[]\n"), done.stderr


def test_two_pools_of_two_children_of_one_process_know_nothing_of_each_other(cluster: Cluster) -> None:
    """Forks of one process have the same addresses of everything, and would have the same random numbers."""
    read, write = os.pipe()
    services = [on(cluster, 1), on(cluster, 1)]

    def serve(_inbox: SignalInbox, mine: Services) -> int:
        with mine:
            pid = mine.call_service("pid")
            os.write(write, f"{pid}\n".encode())
            return 0 if mine.get_service("workshop").pid() == pid else 1

    servers = [spawn(partial(serve, mine=mine), operations={}) for mine in services]
    os.close(write)
    statuses = [server.reap(block=True) for server in servers]
    assert all(status is not None and status.success for status in statuses)
    with os.fdopen(read) as lines:
        assert len(set(lines)) == 2


# What keeps it from starting


def test_what_cannot_be_sent_is_said() -> None:
    services = make_services(1)
    services.add_single_process_service("bad", threading.Lock())
    with pytest.raises(CallbackError, match="pickling of the services failed: TypeError: "):
        pack(services.registry, "dask")


def test_resources_in_use_cannot_be_sent_and_others_can() -> None:
    resources: ResourceSet[str, str] = ResourceSet(str.upper)
    assert pickle.loads(pickle.dumps(resources))("key", str) == "KEY"
    with resources("key"), pytest.raises(TypeError, match="in use"):
        pickle.dumps(resources)


@pytest.mark.parametrize(("engine", "package"), [(NO_SCHEDULER, "distributed"), (NO_HEAD, "ray")])
def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, engine: Engine, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    services = make_services(1, engine=engine)
    with pytest.raises(
        MissingExtraError, match=rf"{package} is not installed: pip install 'riser-h.*\[{engine.extra}\]'"
    ):
        services.start_server()


@pytest.mark.parametrize(
    "address", ["tcp://192.0.2.1:8786", "localhost:8786", "tls://127.0.0.1", "tcp://127.0.0.1:port"]
)
def test_a_scheduler_that_cannot_be_trusted_with_the_key_or_found_is_refused(address: str) -> None:
    with pytest.raises(ConfigError, match="address"):
        DaskEngine(address).connect()


@pytest.mark.parametrize(
    "address", ["192.0.2.1:6379", "localhost", "ray://127.0.0.1:10001", "auto", "user@localhost:1"]
)
def test_a_head_that_cannot_be_trusted_with_the_key_or_found_is_refused(address: str) -> None:
    with pytest.raises(ConfigError, match="address"):
        RayEngine(address).connect()


def test_an_engine_places_at_least_one_process() -> None:
    with pytest.raises(ConfigError, match="process_num"):
        Services(0, engine=NO_SCHEDULER)


def test_a_scheduler_that_is_not_there_makes_the_start_fail() -> None:
    engine = {"dask": NO_SCHEDULER, "ray": NO_HEAD}[ENGINE.extra]
    services = make_services(1, engine=engine, start_timeout_seconds=2)
    with pytest.raises(ServiceUnavailableError):
        services.start_server()
