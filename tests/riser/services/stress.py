"""Mixed calls from many threads of many processes, some of which fork meanwhile; every answer is checked.

    python -m tests.riser.services.stress [CALLS [PROCESSES [THREADS [POOL]]]] [tcp]       100000 8 8 4

With `tcp` the service processes are placed by an engine, and called over TCP inside of TLS. A process whose
threads speak TLS must not fork, since the child would have the locks of OpenSSL as they are: here it forks when they
have ended.

Prints what was done and what is left: objects held, and descriptors, threads and memory of the service processes
before the first and after the last call. The exit status is 0 if no answer was wrong or missing and nothing is left.
"""

import os
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from riser.services.engines.engine import Engine
from riser.services.errors import StopBlock
from riser.services.services import Services
from riser.services.travel import by_reference

from .here import HereEngine

Tag = tuple[int, int, int]
"""Process, thread and number of a call: every answer shows whose it is."""


@by_reference
class Parcel:
    def __init__(self, tag: Tag) -> None:
        self.tag = tag

    def read(self) -> Tag:
        return self.tag


class TaggedError(Exception):
    pass


class Office:
    """What is called."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.inside = 0

    def echo(self, tag: Tag, load: bytes = b"") -> tuple[Tag, bytes]:
        return tag, load

    def make(self, tag: Tag) -> Parcel:
        return Parcel(tag)

    def open(self, parcel: Any) -> Tag:
        tag: Tag = parcel.read()
        return tag

    def call(self, tag: Tag, block: Callable[[Tag], Any]) -> Any:
        return block(tag)

    def fail(self, tag: Tag) -> None:
        raise TaggedError(tag)

    def count(self, tag: Tag, to: int) -> Iterator[tuple[Tag, int]]:
        for number in range(to):
            yield tag, number

    @contextmanager
    def alone(self, tag: Tag) -> Iterator[Tag]:
        with self.lock:
            self.inside += 1
            try:
                assert self.inside == 1
                yield tag
            finally:
                self.inside -= 1

    def pid(self) -> int:
        return os.getpid()

    def usage(self) -> "Usage":
        return usage_of(os.getpid())


@dataclass(frozen=True)
class Usage:
    """What a process has."""

    descriptors: int
    threads: int
    kilobytes: int


def usage_of(pid: int) -> Usage:
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return Usage(
        descriptors=len(list(Path(f"/proc/{pid}/fd").iterdir())),
        threads=int(status["Threads"]),
        kilobytes=int(status["VmRSS"].split()[0]),
    )


def make_services(pool: int, *, engine: Engine | None = None) -> Services:
    services = Services(pool, engine=engine, connection_limit=4096)
    services.any_process("any", factory=Office)
    services.single_process("single", factory=Office)
    services.sticky_process("sticky", factory=Office)
    return services


def one_call(services: Services, tag: Tag) -> None:
    """One call of a kind that its number chooses, with its answer checked."""
    number = tag[2]
    match number % 3:
        case 0:
            office = services.get_service("any")
        case 1:
            office = services.get_service("single")
        case _:
            office = services.get_service("sticky", number % 97)
    KINDS[number % len(KINDS)](office, tag)


def _echo(office: Any, tag: Tag) -> None:
    assert office.echo(tag) == (tag, b"")


def _echo_much(office: Any, tag: Tag) -> None:
    load = bytes([tag[2] % 256]) * 50_000
    assert office.echo(tag, load) == (tag, load)


def _block(office: Any, tag: Tag) -> None:
    thread = threading.get_ident()
    assert office.call(tag, lambda got: (got, threading.get_ident())) == (tag, thread)


def _block_that_calls(office: Any, tag: Tag) -> None:
    assert office.call(tag, lambda got: office.echo(got)[0]) == tag


def _block_that_raises(office: Any, tag: Tag) -> None:
    mine = TaggedError(tag)

    def block(_tag: Tag) -> None:
        raise mine

    try:
        office.call(tag, block)
    except TaggedError as error:
        assert error is mine  # noqa: PT017 - this is no test of pytest's
    else:
        raise AssertionError("nothing was raised")


def _block_that_stops(office: Any, tag: Tag) -> None:
    def block(got: Tag) -> None:
        raise StopBlock(got)

    assert office.call(tag, block) == tag


def _reference(office: Any, tag: Tag) -> None:
    parcel = office.make(tag)
    assert parcel.read() == tag
    assert office.open(parcel) == tag


def _reference_of_ours(office: Any, tag: Tag) -> None:
    assert office.open(Parcel(tag)) == tag


def _failure(office: Any, tag: Tag) -> None:
    try:
        office.fail(tag)
    except TaggedError as error:
        assert error.args == (tag,)  # noqa: PT017 - as above
    else:
        raise AssertionError("nothing was raised")


def _generator(office: Any, tag: Tag) -> None:
    assert list(office.count(tag, 2)) == [(tag, 0), (tag, 1)]


def _with(office: Any, tag: Tag) -> None:
    with office.alone(tag) as inside:
        assert inside == tag
        assert office.echo(tag) == (tag, b"")


KINDS = (
    *(_echo, _echo_much, _block, _block_that_calls, _block_that_raises, _block_that_stops),
    *(_reference, _reference_of_ours, _failure, _generator, _with),
)


def work(services: Services, *, process: int, thread: int, calls: int, fork_every: int) -> None:
    """The calls of one thread; now and then it forks a child that makes some, too."""
    for number in range(calls):
        one_call(services, (process, thread, number))
        if fork_every and number % fork_every == fork_every - 1:
            _fork(services, (process, thread, number))


def _fork(services: Services, tag: Tag) -> None:
    parcel = services.get_service("single").make(tag)
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            assert parcel.read() == tag
            for number in range(len(KINDS)):
                one_call(services, (os.getpid(), 0, number))
            status = 0
        finally:
            os._exit(status)
    assert parcel.read() == tag
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def see_out(thread: threading.Thread) -> None:
    """Wait until a thread is gone, from the kernel too, so that this may fork; see `pytest_runtest_protocol`."""
    thread.join()
    deadline = time.monotonic() + 30
    while Path(f"/proc/self/task/{thread.native_id}").exists():
        assert time.monotonic() < deadline, "a thread that has ended does not end"
        time.sleep(0.001)


def client(services: Services, *, process: int, threads: int, calls: int, fork_every: int) -> int:
    """One client process; how many of its threads failed."""
    failed: list[BaseException] = []

    def body(thread: int) -> None:
        try:
            work(services, process=process, thread=thread, calls=calls, fork_every=0 if thread else fork_every)
        except BaseException as error:
            failed.append(error)
            raise

    workers = [threading.Thread(target=body, args=(thread,)) for thread in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        see_out(worker)
    return len(failed)


def run(*, calls: int, processes: int, threads: int, pool: int, engine: Engine | None = None) -> list[str]:
    """The whole; what went wrong, and nothing if nothing did."""
    each = -(-calls // (processes * threads))
    services = make_services(pool, engine=engine)
    complaints: list[str] = []
    with services:
        # The first round of a process costs what later ones do not: warm, and then look.
        client(services, process=0, threads=threads, calls=len(KINDS) * 3, fork_every=0)
        before = _look(services, pool)
        fork_every = max(each // 5, 1) if engine is None else 0
        pids = [
            _start_client(services, process=number, threads=threads, calls=each, fork_every=fork_every)
            for number in range(processes)
        ]
        for pid in pids:
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            if code:
                complaints.append(f"client {pid}: {code}")
        after = _settled(services, pool, before)
        held = [_held(services, slot) for slot in range(pool)]
    if any(held):
        complaints.append(f"objects are still held: {held}")
    for slot, (one, other) in enumerate(zip(before, after, strict=True)):
        sys.stdout.write(f"service process {slot}: {one} -> {other}\n")
        if other.descriptors > one.descriptors or other.threads > one.threads:
            complaints.append(f"service process {slot} has kept descriptors or threads")
    return complaints


def _start_client(services: Services, *, process: int, threads: int, calls: int, fork_every: int) -> int:
    """Fork a client process; without forks beside its threads it makes as many after them."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        services.detach_server()
        services.start_client()
        status = client(services, process=process, threads=threads, calls=calls, fork_every=fork_every)
        if not fork_every:
            work(services, process=process, thread=threads, calls=5, fork_every=1)
    finally:
        os._exit(status)


def _look(services: Services, pool: int) -> list[Usage]:
    slots = services._backend._need_client().slots  # type: ignore[attr-defined]
    return [slots[slot].call(1, "usage", (), {}) for slot in range(pool)]


def _held(services: Services, slot: int) -> int:
    count: int = services._backend._need_client().slots[slot].call(0, "held_count", (), {})  # type: ignore[attr-defined]
    return count


def _settled(services: Services, pool: int, before: list[Usage]) -> list[Usage]:
    """What the service processes have once they have noticed that the clients are gone."""
    deadline = time.monotonic() + 30
    while True:
        usage = _look(services, pool)
        is_settled = all(
            other.threads <= one.threads and other.descriptors <= one.descriptors
            for one, other in zip(before, usage, strict=True)
        )
        if is_settled or time.monotonic() > deadline:
            return usage
        time.sleep(0.01)


def arguments() -> tuple[list[int], Engine | None]:
    """The numbers of the command line, and the engine if it is to be one."""
    words = sys.argv[1:]
    return [int(word) for word in words if word != "tcp"], HereEngine() if "tcp" in words else None


def main() -> int:
    given, engine = arguments()
    calls, processes, threads, pool = (*given, *(100_000, 8, 8, 4)[len(given) :])
    began = time.monotonic()
    complaints = run(calls=calls, processes=processes, threads=threads, pool=pool, engine=engine)
    seconds = time.monotonic() - began
    mine = resource.getrusage(resource.RUSAGE_CHILDREN)
    sys.stdout.write(
        f"{calls} calls from {processes} x {threads} threads to {pool} processes in {seconds:.1f} s"
        f" ({calls / seconds:.0f}/s; {mine.ru_utime + mine.ru_stime:.1f} s of processor)\n"
    )
    for complaint in complaints:
        sys.stdout.write(f"WRONG: {complaint}\n")
    return bool(complaints)


if __name__ == "__main__":
    sys.exit(main())
