"""A client that forks: parent and child both go on, with what they refer to, and never with each other's answers."""

import os
import select
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from riser.process import Child, ExitStatus, spawn
from riser.services.errors import ServiceDied, ServiceError
from riser.services.forks import ForkAware, watch_forks
from riser.services.lease import ServiceLease
from riser.services.services import Services
from riser.signals import SignalInbox

from .conftest import MAY_FORK_WITH_THREADS, eventually, make_services

pytestmark = MAY_FORK_WITH_THREADS


@pytest.fixture
def workshop(pool: Services) -> Any:
    return pool.get_service("workshop")


def held(services: Services) -> int:
    """How many objects of the workshop's process are held."""
    count: int = services._backend._need_client().slots[0].call(0, "held_count", (), {})  # type: ignore[attr-defined]
    return count


def descriptors(pid: int | str) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - a count


class Forked:
    """A child that works when it is told to, and ends when it is told to."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._go, go = os.pipe()[::-1]
        done, self._done = os.pipe()

        def body(_inbox: SignalInbox) -> int:
            os.close(self._go)
            os.read(go, 1)
            try:
                work()
            except BaseException as error:
                os.write(self._done, f"{type(error).__name__}: {error}".encode())
                raise
            os.write(self._done, b"done")
            os.read(go, 1)
            return 0

        self.child: Child = spawn(body, operations={})
        os.close(go)
        os.close(self._done)
        self._done = done

    def work(self) -> str:
        os.write(self._go, b"x")
        return self.answer()

    def answer(self) -> str:
        assert select.select([self._done], [], [], 30)[0]
        return os.read(self._done, 10_000).decode()

    def end(self) -> None:
        os.write(self._go, b"x")
        os.close(self._go)
        os.close(self._done)
        assert self.child.reap(block=True) == ExitStatus(code=0)


def test_parent_and_child_call_at_the_same_time_and_get_their_own_answers(workshop: Any) -> None:
    workshop.echo("warm")

    def work() -> None:
        for number in range(300):
            assert workshop.echo((os.getpid(), number)) == (os.getpid(), number)
            assert workshop.repeat(2, lambda again: (os.getpid(), again)) == [(os.getpid(), 0), (os.getpid(), 1)]

    children = [Forked(work) for _ in range(3)]
    for child in children:
        os.write(child._go, b"x")
    work()
    for child in children:
        assert child.answer() == "done"
        child.end()
    work()


def test_a_child_holds_what_its_parent_gives_up_and_the_other_way_round(pool: Services, workshop: Any) -> None:
    things = {name: workshop.make(name) for name in ("anna", "berta", "cora")}

    def work() -> None:
        del things["berta"]
        assert things["anna"].title == "Anna"

    child = Forked(work)
    del things["anna"]
    eventually(lambda: held(pool) == 3, "released by the parent alone")
    assert child.work() == "done"
    assert things["berta"].title == "Berta"
    eventually(lambda: held(pool) == 3, "berta is the parent's, anna the child's, cora both's")
    child.end()
    eventually(lambda: held(pool) == 2, "anna is nobody's")
    things.clear()
    eventually(lambda: held(pool) == 0, "nothing is anybody's")


def test_a_child_that_asks_for_an_object_before_its_lease_is_known_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    fork = ServiceLease._fork

    def fork_late(lease: ServiceLease, number: int) -> None:
        time.sleep(0.3)  # the child's call is there before
        fork(lease, number)

    monkeypatch.setattr(ServiceLease, "_fork", fork_late)
    with make_services(1) as services:
        workshop = services.get_service("workshop")
        thing = workshop.make("thing")

        def work() -> None:
            assert workshop.make("another").title == "Another"

        child = Forked(work)
        assert child.work() == "done"
        child.end()
        assert thing.title == "Thing"


def test_two_references_are_one_proxy_in_the_child_too(workshop: Any) -> None:
    thing = workshop.keep("anna")

    def work() -> None:
        assert workshop.last() == [thing]
        assert thing.me() is thing
        assert workshop.holds(thing)

    child = Forked(work)
    assert child.work() == "done"
    child.end()
    assert thing.title == "Anna"


def test_children_of_children_hold_too(pool: Services, workshop: Any) -> None:
    things = [workshop.make("anna")]

    def in_grandchild() -> None:
        assert things[0].title == "Anna"

    def in_child() -> None:
        grandchild = Forked(in_grandchild)
        assert grandchild.work() == "done"
        grandchild.end()

    child = Forked(in_child)
    assert child.work() == "done"
    things.clear()
    assert held(pool) == 1
    child.end()
    eventually(lambda: held(pool) == 0, "released")


def test_many_forks_leave_nothing(pool: Services, workshop: Any) -> None:
    things = [workshop.make(f"{number}") for number in range(20)]

    def work() -> None:
        assert [thing.title for thing in things] == [f"{number}" for number in range(20)]

    before = descriptors("self"), descriptors(workshop.pid())
    for _ in range(10):
        child = Forked(work)
        assert child.work() == "done"
        child.end()
    # Not "equal": what an earlier test left to a thread or to the collector may have been counted before.
    eventually(lambda: descriptors("self") <= before[0], "this process has no descriptor more")
    eventually(lambda: descriptors(workshop.pid()) <= before[1], "the children's connections are closed")
    assert held(pool) == 20


def test_a_fork_in_a_block_leaves_the_call_to_the_parent(workshop: Any) -> None:
    children: list[int] = []

    def block(number: int) -> int:
        pid = os.fork()
        if pid == 0:
            try:
                code = 0 if workshop.echo("child") == "child" else 1
            except BaseException:  # noqa: BLE001 - the child must not return into the test
                code = 2
            os._exit(code)
        children.append(pid)
        return number

    assert workshop.repeat(2, block) == [0, 1]
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0, 0]


def test_the_call_that_a_child_was_forked_in_is_not_its_own(workshop: Any) -> None:
    read, write = os.pipe()
    parent = os.getpid()

    children: list[int] = []

    def block(_number: int) -> str:
        children.append(os.fork())
        return "answer of the parent" if children[0] else "answer of the child"

    try:
        answer = workshop.repeat(1, block)
        said = str(answer)
    except ServiceDied as error:
        said = type(error).__name__
    except BaseException as error:  # noqa: BLE001 - as above
        said = f"{type(error).__name__}: {error}"
    if os.getpid() != parent:
        os.write(write, said.encode())
        os._exit(0)
    # Not any child: there are others, and not all of them are this test's to reap.
    os.waitpid(children[0], 0)
    os.close(write)
    assert said == "['answer of the parent']"
    assert os.read(read, 1000).decode() == "ServiceDied"
    os.close(read)


def test_an_open_with_is_the_parents(workshop: Any) -> None:
    with workshop.transaction() as inside:
        inside.note("one")

        def work() -> None:
            # This process is another client, and does not have the lock.
            assert workshop.locked()
            with pytest.raises(ServiceError):
                transaction.__exit__(None, None, None)

        transaction = workshop.book()
        transaction.__enter__()
        child = Forked(work)
        assert child.work() == "done"
        child.end()
        transaction.__exit__(None, None, None)
        inside.note("three")
    assert workshop.notes() == ["one", "three"]


def test_a_generator_goes_on_in_both(workshop: Any) -> None:
    counter = workshop.count(10)
    assert next(counter)[0] == 0

    def work() -> None:
        assert next(counter)[0] == 1

    child = Forked(work)
    assert child.work() == "done"
    child.end()
    assert [number for number, _ in counter] == list(range(2, 10))


def test_threads_call_while_the_process_forks(workshop: Any) -> None:
    stop = threading.Event()

    def load(worker: int) -> int:
        done = 0
        while not stop.is_set():
            thing = workshop.make(f"{worker}")
            assert thing.title == f"{worker}"
            assert workshop.echo((worker, done)) == (worker, done)
            done += 1
        return done

    def work() -> None:
        assert workshop.echo("child") == "child"

    with ThreadPoolExecutor(3) as threads:
        workers = [threads.submit(load, worker) for worker in range(3)]
        for _ in range(10):
            child = Forked(work)
            assert child.work() == "done"
            child.end()
        stop.set()
        assert all(worker.result(30) > 0 for worker in workers)


def test_threads_may_refer_to_more_while_their_process_is_about_to_fork(pool: Services, workshop: Any) -> None:
    things = [workshop.make(f"{number}") for number in range(1000)]
    stop = threading.Event()

    def load() -> None:
        while not stop.is_set():
            [workshop.make("more") for _ in range(5)].clear()

    def work() -> None:
        assert workshop.echo("child") == "child"

    interval = sys.getswitchinterval()
    with ThreadPoolExecutor(3) as threads:
        loads = [threads.submit(load) for _ in range(3)]
        sys.setswitchinterval(1e-5)  # as if this thread had been interrupted in the middle of it
        try:
            for _ in range(20):
                child = Forked(work)
                assert child.work() == "done"
                child.end()
        finally:
            sys.setswitchinterval(interval)
            stop.set()
        for each in loads:
            each.result(30)
    eventually(lambda: held(pool) == len(things), "the rest is released")


def test_a_client_that_is_made_while_its_process_is_about_to_fork_is_forked_too() -> None:
    with make_services(1) as services:
        services.stop_client()

        class Meanwhile(ForkAware):
            """Does what another thread might."""

            def before_fork(self) -> None:
                services.start_client()

        def work() -> None:
            assert services["workshop"].echo("child") == "child"

        meanwhile = Meanwhile()
        watch_forks(meanwhile)
        child = Forked(work)
        del meanwhile
        assert services["workshop"].echo("parent") == "parent"
        assert child.work() == "done"
        child.end()


def test_a_child_of_a_service_does_not_keep_its_connections_open() -> None:
    """Or nobody would be told when the service process dies."""
    services = make_services(1)

    @services.any_process("fork")
    def fork(number: int) -> int:
        pid = os.fork()
        if pid == 0:
            time.sleep(number)
            os._exit(0)
        return pid

    with services:
        pid = fork(60)
        workshop = services.get_service("workshop")
        with pytest.raises(ServiceDied):
            workshop.die()
        began = time.monotonic()
        assert workshop.echo(1) == 1
    assert time.monotonic() - began < 20
    os.kill(pid, 9)
