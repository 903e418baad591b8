"""Shared objects as services: made at the first use of any client, destroyed when the last one is done or dead."""

import os
import select
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from riser.handle import ReleasedError
from riser.process import spawn
from riser.resource import Resource, ResourceSet
from riser.services.services import Services
from riser.signals import SignalInbox

from .conftest import MAY_FORK_WITH_THREADS, eventually

pytestmark = MAY_FORK_WITH_THREADS


class Store:
    """Counts in a file; what it does not know of others it would overwrite."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = int(path.read_text()) if path.exists() else 0
        self.lock = threading.Lock()

    def increase(self) -> int:
        with self.lock:
            self.count += 1
            self.path.write_text(str(self.count))
            return self.count


@pytest.fixture(params=["pool", "strict"])
def services(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Services]:
    services = Services(2) if request.param == "pool" else Services(0, strict=True)

    def note(what: str) -> None:
        with (tmp_path / "log").open("a") as log:
            log.write(what + "\n")

    def create(key: str) -> Store:
        note(f"create {key}")
        if key == "bad":
            raise ValueError("no such store")
        return Store(tmp_path / key)

    services.add_sticky_process_service("stores", ResourceSet(create, lambda store: note(f"destroy {store.path.name}")))
    services.add_single_process_service("store", Resource(lambda: create("single"), lambda _: note("destroy single")))
    with services:
        yield services


def log_of(tmp_path: Path) -> list[str]:
    return (tmp_path / "log").read_text().splitlines()


def test_a_resource_is_made_at_the_first_use_and_destroyed_at_the_last_release(
    services: Services, tmp_path: Path
) -> None:
    with services.call_service("store") as one, services.call_service("store") as other:
        assert (one.increase(), other.increase(), one.increase()) == (1, 2, 3)
    assert log_of(tmp_path) == ["create single", "destroy single"]


def test_a_resource_set_does_the_same_for_every_key(services: Services, tmp_path: Path) -> None:
    anna, berta = services["stores", "anna"], services["stores", "berta"]
    assert (anna.increase(), berta.increase(), anna.increase()) == (1, 1, 2)
    anna.release()
    berta.release()
    assert log_of(tmp_path) == ["create anna", "create berta", "destroy anna", "destroy berta"]
    assert services["stores", "anna"].increase() == 3


def test_a_block_is_given_one_for_as_long_as_it_runs(services: Services, tmp_path: Path) -> None:
    assert services.call_service("stores", "anna", lambda store: store.increase()) == 1
    assert log_of(tmp_path) == ["create anna", "destroy anna"]


def test_a_released_handle_says_so(services: Services) -> None:
    store = services["stores", "anna"]
    store.release()
    with pytest.raises(ReleasedError, match="this handle of resource 'anna' has been released"):
        store.increase()


def test_what_create_raises_reaches_the_user(services: Services, tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(ValueError, match="no such store"):
            services.call_service("stores", "bad")
    assert log_of(tmp_path) == ["create bad"] * 2


def test_a_handle_that_is_dropped_is_released(services: Services, tmp_path: Path) -> None:
    store = services["stores", "anna"]
    store.increase()
    del store
    eventually(lambda: log_of(tmp_path) == ["create anna", "destroy anna"], "destroyed")


def test_counts_are_exact_whoever_counts(services: Services, tmp_path: Path) -> None:
    def work(worker: int) -> None:
        for number in range(20):
            key = f"key {(worker + number) % 3}"
            if number % 2:
                services.call_service("stores", key, lambda store: store.increase())
            else:
                with services.call_service("stores", key) as store:
                    store.increase()

    with services.call_service("stores", "kept") as kept, ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))
        assert kept.increase() == 1
    assert sum(int((tmp_path / f"key {number}").read_text()) for number in range(3)) == 80
    assert {line.split()[0] for line in log_of(tmp_path)} == {"create", "destroy"}
    assert len([line for line in log_of(tmp_path) if "create" in line]) * 2 == len(log_of(tmp_path))


def test_a_dead_clients_hold_is_released(tmp_path: Path) -> None:
    log = tmp_path / "log"
    services = Services(1)
    services.add_single_process_service(
        "store",
        Resource(lambda: Store(tmp_path / "count"), lambda store: log.write_text(f"destroyed at {store.count}")),
    )
    read, write = os.pipe()

    def body(_inbox: SignalInbox) -> int:
        services.start_client()
        store: Any = services.call_service("store")
        store.increase()
        os.write(write, b"x")
        time.sleep(60)
        del store
        return 0

    with services:
        child = spawn(body, operations={})
        assert select.select([read], [], [], 30)[0]
        assert not log.exists()
        child.send(signal.SIGKILL)
        child.reap(block=True)
        eventually(log.exists, "destroyed")
        eventually(lambda: log.read_text() == "destroyed at 1", "written")
    os.close(read)
    os.close(write)
