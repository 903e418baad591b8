"""What it costs to start: an import, and a child."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

from benchmarks.effort import Effort
from benchmarks.figure import OURS, Aim, Figure
from benchmarks.life import DAEMON
from benchmarks.programs import LONGEST_SECONDS, children_of, running, settled_private_kib


def figures(_: Effort) -> Iterator[Figure]:
    """All of them."""
    yield Figure(
        "import",
        "import riser and its server, over bare Python",
        "ms",
        {OURS: _import_server},
        (Aim(40, 25),),
        "modules of the standard library, socket, selectors and logging above all",
    )
    yield Figure(
        "memory",
        "memory of an idle child of its own (USS)",
        "MiB",
        {OURS: _memory_of_a_child},
        (Aim(6, 4),),
        "pages that reference counts have written to: CPython shares no object with its parent that it has looked at",
    )


def _import_server() -> float:
    bare = _seconds("pass")
    return (_seconds("import riser; riser.SocketServer") - bare) * 1000


def _seconds(program: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-I", "-c", program], check=True)
    return time.perf_counter() - began


def _memory_of_a_child() -> float:
    with running(*DAEMON) as daemon:
        child = _eventually(lambda: [grand for pid in children_of(daemon.process.pid) for grand in children_of(pid)])[0]
        return settled_private_kib(child) / 1024


def _eventually(look: Callable[[], list[int]]) -> list[int]:
    deadline = time.monotonic() + LONGEST_SECONDS
    while not (found := look()):
        if time.monotonic() > deadline:
            raise RuntimeError("no child appears")
        os.sched_yield()
    return found
