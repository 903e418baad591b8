"""What a pool of service processes costs beside its calls: numbers on standard output.

python pool.py ready PROCESSES      milliseconds until every service process serves, MiB (USS) of one of them, and
                                        MiB (PSS) of all processes of the pool
python pool.py healed               milliseconds from SIGKILL of a service process to the answer of its successor
python pool.py inside COUNT         microseconds that a call takes without processes beyond a plain call
python pool.py services NUMBER      milliseconds until a pool of 2 serves so many services, microseconds of a call
python pool.py keys NUMBER          microseconds of a call with a new key, and of one more with each of these keys
python pool.py TCP COUNT            seconds of a call over TCP and TLS, to a service that Dask has placed
"""

import contextlib
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from riser.services.errors import ServiceDied
from riser.services.services import Services

AGE_SECONDS = 0.3


class Front:
    """What is called."""

    def empty(self) -> None:
        """Do nothing."""

    def pid(self) -> int:
        """Where it is."""
        return os.getpid()


def per_call(call: Callable[[], object], count: int, *, clock: Callable[[], float] = time.perf_counter) -> float:
    """Seconds of a call, warm."""
    for _ in range(max(count // 10, 1)):
        call()
    began = clock()
    for _ in range(count):
        call()
    return (clock() - began) / count


def ready(processes: int) -> list[float]:
    """From nothing to a pool of which one process has answered; its memory is looked at when it has settled."""
    services = Services(processes)
    services.single_process("front", factory=Front)
    began = time.perf_counter()
    services.start_server()
    took = time.perf_counter() - began
    try:
        services.start_client()
        pid = services.get_service("front").pid()
        before, now = -1, memory_kib(pid, "Private_.*")
        while now != before:
            time.sleep(0.02)
            before, now = now, memory_kib(pid, "Private_.*")
        return [took * 1e3, now / 1024, sum(memory_kib(below, "Pss") for below in all_below(os.getpid())) / 1024]
    finally:
        services.stop_server()


def all_below(pid: int) -> list[int]:
    """The living processes that this one and those below it have started."""
    found = [pid]
    for parent in found:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            found.extend(map(int, children.read_text().split()))
    return found[1:]


def memory_kib(pid: int, kinds: str) -> int:
    """What the kernel says of its memory, of these kinds."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(size) for size in re.findall(rf"^{kinds}: +(\d+) kB", text, re.MULTILINE))


def healed(_: int) -> list[float]:
    """Calls until somebody else answers; those that the dead one has taken with it are lost."""
    services = Services(4)
    services.single_process("front", factory=Front)
    services.start_server()
    try:
        services.start_client()
        front = services.get_service("front")
        pid = now = front.pid()
        # One that dies as soon as it is ready is given a pause.
        time.sleep(AGE_SECONDS)
        began = time.perf_counter()
        os.kill(pid, signal.SIGKILL)
        while now == pid:
            with contextlib.suppress(ServiceDied):
                now = front.pid()
        return [(time.perf_counter() - began) * 1e3]
    finally:
        services.stop_server()


def inside(count: int) -> list[float]:
    """Found by its name for every call, as a handler would; it waits for nobody, and so its CPU is what counts."""
    services = Services(0)
    services.single_process("front", factory=Front)
    services.start_server()
    services.start_client()
    plain = Front()
    try:
        there = per_call(lambda: services.get_service("front").empty(), count, clock=time.thread_time)
        here = per_call(lambda: plain.empty(), count, clock=time.thread_time)  # noqa: PLW0108 - as there
        return [(there - here) * 1e6]
    finally:
        services.stop_server()


def many_services(number: int) -> list[float]:
    """They share two processes."""
    services = Services(2)
    for place in range(number):
        services.single_process(f"front {place}", factory=Front)
    began = time.perf_counter()
    services.start_server()
    took = time.perf_counter() - began
    try:
        services.start_client()
        fronts = [services.get_service(f"front {place}") for place in range(number)]
        turns = iter(fronts * (2000 // number + 2))
        return [took * 1e3, per_call(lambda: next(turns).empty(), 1000) * 1e6]
    finally:
        services.stop_server()


def keys(number: int) -> list[float]:
    """Each key names its own service process, always the same."""
    services = Services(2)
    services.sticky_process("front", factory=Front)
    services.start_server()
    try:
        services.start_client()
        services.get_service("front", "warm").empty()
        microseconds = []
        for _ in ("new", "known"):
            began = time.perf_counter()
            for key in range(number):
                services.get_service("front", f"key {key}").empty()
            microseconds.append((time.perf_counter() - began) / number * 1e6)
        return microseconds
    finally:
        services.stop_server()


def over_tcp(count: int) -> list[float]:
    """Scheduler and worker are processes of their own, and take no part in the call."""
    import logging

    from distributed import LocalCluster

    from riser.services.engines.dask import DaskEngine

    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with LocalCluster(
        n_workers=1, threads_per_worker=1, host="127.0.0.1", scheduler_port=0, dashboard_address=None,
        worker_dashboard_address=None, silence_logs=logging.CRITICAL,
    ) as cluster:  # fmt: skip
        services = Services(1, engine=DaskEngine(cluster.scheduler_address))
        services.single_process("front", factory=Front)
        with services:
            services.start_client()
            return [per_call(services.get_service("front").empty, count)]


if __name__ == "__main__":
    measured = {
        "ready": ready, "healed": healed, "inside": inside, "services": many_services, "keys": keys, "TCP": over_tcp,
    }[sys.argv[1]]  # fmt: skip
    print(*measured(int(sys.argv[2])))
