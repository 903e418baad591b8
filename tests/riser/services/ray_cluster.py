"""A Ray cluster of two nodes, each at a loopback address of its own, until standard input ends.

    python -m tests.riser.services.ray_cluster DIRECTORY

Prints the address of its head. All its files are in the directory, whose name has to be short. Ray binds every address
whatever it is told, so this is for where `alone` runs it, and for nowhere else.
"""

import contextlib
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HEAD, OTHER = "127.0.0.1", "127.0.0.2"
ADDRESS = f"{HEAD}:6379"
PATIENCE_SECONDS = 120.0

_BOUNDS = ("--num-cpus=1", "--object-store-memory=80000000", "--include-log-monitor=false", "--disable-usage-stats")


def main(directory: str) -> None:
    if {name for _, name in socket.if_nameindex()} != {"lo"}:
        sys.exit("Ray binds every address, and here are more than those of the loopback interface")
    with contextlib.ExitStack() as nodes:
        head = ("--head", "--port=6379", "--include-dashboard=false", f"--temp-dir={directory}")
        nodes.enter_context(node(directory, f"--node-ip-address={HEAD}", *head))
        await_nodes(1)
        nodes.enter_context(node(directory, f"--node-ip-address={OTHER}", f"--address={ADDRESS}"))
        await_nodes(2)
        print(ADDRESS, flush=True)  # noqa: T201 - as its caller expects
        sys.stdin.read()


@contextlib.contextmanager
def node(directory: str, *arguments: str) -> Iterator[None]:
    """A node as one is started at a prompt, and ended."""
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", *_BOUNDS, *arguments]
    with (
        Path(directory, "nodes.log").open("ab") as log,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log) as process,
    ):
        try:
            yield
        finally:
            process.terminate()


def await_nodes(count: int) -> None:
    """Wait until so many are there; raises what keeps them from it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(nodes_there(deadline)) < count:
        select.select([], [], [], 0.1)


def nodes_there(deadline: float) -> list[Any]:
    import ray

    with contextlib.suppress(ConnectionRefusedError):
        socket.create_connection((HEAD, 6379)).close()
        ray.init(address=ADDRESS, configure_logging=False, log_to_driver=False)
        try:
            return [found for found in ray.nodes() if found["Alive"]]
        finally:
            ray.shutdown()
    if time.monotonic() > deadline:
        raise TimeoutError
    return []


if __name__ == "__main__":
    os.environ["RAY_TMPDIR"] = sys.argv[1]
    main(sys.argv[1])
