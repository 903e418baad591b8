"""Whoever is killed, the pool lives on: callers are told at once, others take over, and what was held is released."""

import contextlib
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

from riser.process import Child, spawn
from riser.services.errors import ServiceDied, ServiceError, StaleReference
from riser.services.limits import time_limit
from riser.services.services import Services
from riser.signals import SignalInbox

from .conftest import MAY_FORK_WITH_THREADS, eventually

pytestmark = MAY_FORK_WITH_THREADS


@pytest.fixture
def workshop(pool: Services) -> Any:
    return pool.get_service("workshop")


def kill(pid: int) -> None:
    """Kill a process and wait until it is dead: until then it may still take calls."""
    descriptor = os.pidfd_open(pid)
    signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    assert select.select([descriptor], [], [], 30)[0]
    os.close(descriptor)


def keeper_of(services: Services) -> int:
    """The keeper that was forked first."""
    pid: int = services._backend._running._keeper.pid  # type: ignore[attr-defined]
    return pid


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def held(services: Services) -> int:
    """How many objects of the workshop's process are held."""
    count: int = services._backend._need_client().slots[0].call(0, "held_count", (), {})  # type: ignore[attr-defined]
    return count


# A service process dies


def test_a_call_whose_process_dies_says_so_at_once_and_the_next_one_works(workshop: Any) -> None:
    pid = workshop.pid()
    began = time.monotonic()
    with pytest.raises(ServiceDied, match="service process 0 died in mid-call"):
        workshop.die()
    assert time.monotonic() - began < 10
    assert workshop.pid() != pid
    assert workshop.echo(1) == 1


def test_an_idle_process_that_died_is_not_noticed_at_all(workshop: Any) -> None:
    for _ in range(3):
        kill(workshop.pid())
        assert workshop.echo(b"x" * 1_000_000) == b"x" * 1_000_000


def test_everybody_who_waits_for_a_dead_process_is_told(workshop: Any) -> None:
    with ThreadPoolExecutor(5) as threads:
        calls = [threads.submit(workshop.sleep, 60) for _ in range(4)]
        eventually(lambda: workshop.sleeping() == 4, "all are waiting")
        kill(workshop.pid())
        for call in calls:
            with pytest.raises(ServiceDied):
                call.result(30)


def test_a_call_that_is_idempotent_is_made_again() -> None:
    services, count = Services(1), 0
    services.single_process("pid", factory=lambda: os.getpid)
    read, write = os.pipe()

    @services.any_process("once", idempotent=True)
    def once() -> int:
        os.write(write, b"x")
        if select.select([read], [], [], 0)[0] and len(os.read(read, 100)) == 1 and not Path(marker).exists():
            Path(marker).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return os.getpid()

    @services.any_process("always", idempotent=["__call__"])
    def always() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    del count
    marker = f"/tmp/riser-test-{os.getpid()}-{time.monotonic_ns()}"
    with services:
        assert once() == services.call_service("pid")
        with pytest.raises(ServiceDied):
            always()
    Path(marker).unlink()
    os.close(read)
    os.close(write)


def test_a_reference_into_a_dead_process_is_stale_and_a_front_is_not(pool: Services, workshop: Any) -> None:
    thing = workshop.make("anna")
    things = [workshop.make() for _ in range(5)]
    kill(workshop.pid())
    again = workshop.make("berta")
    for stale in (thing, *things):
        with pytest.raises(StaleReference, match=r"an object of service process 0 is stale: the process .* has died"):
            stale.where()
    with pytest.raises(StaleReference):
        workshop.holds(thing)
    with pytest.raises(StaleReference):
        pool.get_service("other").echo(thing)
    assert again.title == "Berta"
    del thing, things
    assert held(pool) == 1


def test_a_generator_whose_process_died_says_so(workshop: Any) -> None:
    counter = workshop.count(3)
    next(counter)
    kill(workshop.pid())
    with pytest.raises((StaleReference, ServiceDied)):
        next(counter)
    with pytest.raises(StaleReference):
        next(counter)


def test_a_with_whose_process_died_says_so_at_its_end(workshop: Any) -> None:
    def in_a_transaction() -> None:
        with workshop.transaction():
            kill(workshop.pid())

    with pytest.raises(ServiceDied):
        in_a_transaction()
    assert not workshop.locked()


def test_a_with_whose_process_died_does_not_hide_what_was_raised_inside(workshop: Any) -> None:
    def in_a_transaction() -> None:
        with workshop.transaction():
            kill(workshop.pid())
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        in_a_transaction()
    assert workshop.echo(1) == 1


def test_a_block_whose_service_dies_meanwhile_is_run_to_its_end(workshop: Any) -> None:
    seen: list[int] = []

    def block(number: int) -> None:
        kill(workshop.pid())
        seen.append(number)

    with pytest.raises(ServiceDied):
        workshop.repeat(2, block)
    assert len(seen) <= 1
    assert workshop.echo(1) == 1


def test_the_place_of_a_dead_process_is_taken_quickly(pool: Services, workshop: Any) -> None:
    waits = []
    for _ in range(5):
        eventually(lambda: alive_for(workshop.pid()) > 0.3, "it has proved that it can live")
        kill(workshop.pid())
        began = time.monotonic()
        workshop.pid()
        waits.append(time.monotonic() - began)
    assert sorted(waits)[2] < 2.0
    del pool


def alive_for(pid: int) -> float:
    started = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started


def test_a_process_that_cannot_live_is_started_with_pauses(tmp_path: Path) -> None:
    services = Services(1)
    starts = tmp_path / "starts"

    @services.any_process("pid")
    def pid() -> int:
        return os.getpid()

    @services.preprocess("pid")
    def prepare(_front: object) -> None:
        with starts.open("a") as file:
            file.write("x")
        assert len(starts.read_text()) == 1 or (tmp_path / "better").exists()

    with services:
        kill(pid())
        eventually(lambda: len(starts.read_text()) >= 4, "several starts")
        with time_limit(0.2), pytest.raises(ServiceError):
            pid()
        assert len(starts.read_text()) < 10
        (tmp_path / "better").touch()
        assert pid()


def test_postprocess_of_the_predecessor_comes_before_preprocess_of_the_successor(tmp_path: Path) -> None:
    """Also when it is not the keeper who saw the predecessor's end, because it is dead itself."""
    log = tmp_path / "log"
    services = Services(1)
    services.add_any_process_service("pid", os.getpid)

    @services.lifespan("pid")
    def span(_front: object) -> Iterator[None]:
        with log.open("a") as file:
            file.write(f"{os.getpid()} enters\n")
        yield
        time.sleep(0.2)
        with log.open("a") as file:
            file.write(f"{os.getpid()} leaves\n")

    with services:
        first = services["pid"]
        kill(keeper_of(services))
        eventually(lambda: log.read_text().count("enters") == 2, "a successor")
        second = services["pid"]
    assert log.read_text().splitlines() == [
        f"{first} enters",
        f"{first} leaves",
        f"{second} enters",
        f"{second} leaves",
    ]


# The keeper and its deputy die


def test_the_deputy_takes_the_place_of_a_dead_keeper(pool: Services, workshop: Any) -> None:
    pid = workshop.pid()
    kill(keeper_of(pool))
    eventually(lambda: workshop.pid() != pid, "other service processes")
    assert pool.get_service("other").echo(1) == 1
    kill(workshop.pid())
    assert workshop.echo(1) == 1


def test_a_dead_deputy_is_replaced_and_its_successor_does_the_same(pool: Services, workshop: Any) -> None:
    keeper = keeper_of(pool)
    services = {workshop.pid(), pool.get_service("other").pid()}
    deputies: set[int] = set()
    for _ in range(3):
        (deputy,) = set(children_of(keeper)) - services
        kill(deputy)
        deputies.add(deputy)
        eventually(lambda: len(set(children_of(keeper)) - services - deputies) == 1, "another deputy")
    kill(keeper)
    eventually(lambda: workshop.pid() not in services, "other service processes")


# A client dies


def client(services: Services, work: Any) -> Child:
    """A process that does its work with a workshop, and then waits to be killed."""
    read, write = os.pipe()

    def body(_inbox: SignalInbox) -> int:
        services.detach_server()
        services.start_client()
        kept = work(services.get_service("workshop"))
        os.write(write, b"x")
        time.sleep(60)
        del kept
        return 0

    child = spawn(body, operations={})
    os.close(write)
    assert select.select([read], [], [], 30)[0]
    assert os.read(read, 1) == b"x"
    os.close(read)
    return child


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_what_a_dead_client_held_is_released(pool: Services, workshop: Any, number: signal.Signals) -> None:
    child = client(pool, lambda workshop: [workshop.keep(f"{n}") for n in range(10)])
    assert held(pool) == 10
    assert workshop.ended() == [False] * 10
    child.send(number)
    child.reap(block=True)
    eventually(lambda: held(pool) == 0, "released")
    eventually(lambda: workshop.ended() == [True] * 10, "told so")


def test_an_open_with_of_a_dead_client_is_rolled_back_and_its_lock_is_free(pool: Services, workshop: Any) -> None:
    def work(workshop: Any) -> Any:
        inside = workshop.transaction()
        inside.__enter__().note("undone")
        return inside

    child = client(pool, work)
    assert workshop.locked()
    child.send(signal.SIGKILL)
    child.reap(block=True)
    with workshop.transaction() as inside:
        inside.note("done")
    assert workshop.notes() == ["done"]
    threads, left_with = workshop.book().history()
    assert left_with[0].startswith("ClientGone: ")
    assert len(set(threads[:3])) == 1


def test_a_service_whose_client_dies_in_its_block_goes_on(pool: Services, workshop: Any) -> None:
    def work(workshop: Any) -> Any:
        begun = threading.Event()

        def block() -> None:
            begun.set()
            time.sleep(60)

        thread = threading.Thread(target=workshop.guarded, args=(block,), daemon=True)
        thread.start()
        assert begun.wait(30)
        return thread

    child = client(pool, work)
    child.send(signal.SIGKILL)
    child.reap(block=True)
    eventually(lambda: workshop.notes() == ["finally"], "unwound")


# All of them, under load


def test_any_of_them_can_die_at_any_moment_under_load(pool: Services) -> None:
    failures: list[BaseException] = []
    stop = threading.Event()

    def load(worker: int) -> int:
        done = 0
        while not stop.is_set() or not done:
            try:
                service = pool.get_service("workshop" if worker % 2 else "other")
                assert service.echo((worker, done)) == (worker, done)
                assert service.repeat(2, lambda number: number) == [0, 1]
                thing = service.make(f"{worker}")
                assert thing.title == f"{worker}"
                with service.book() as book:
                    book.add("x")
                done += 1
            except (ServiceDied, StaleReference):
                continue
            except BaseException as error:
                failures.append(error)
                raise
        return done

    def answers() -> bool:
        # A call may still go to the last that was killed, whose end is heard of a moment later.
        with contextlib.suppress(ServiceDied):
            return bool(pool.get_service("workshop").echo(1) == 1)
        return False

    with ThreadPoolExecutor(4) as threads:
        workers = [threads.submit(load, worker) for worker in range(4)]
        for turn in range(20):
            name = "workshop" if turn % 2 else "other"
            try:
                kill(pool.get_service(name).pid())
            except ServiceDied:
                continue
        stop.set()
        assert all(worker.result(60) > 0 for worker in workers)
    assert not failures
    eventually(answers, "whole again")
    eventually(lambda: held(pool) == 0, "released")
