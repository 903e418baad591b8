"""Service processes on the nodes of a Ray cluster.

Each is started by a task that lasts as long as it does, in a worker process that Ray starts for it and that takes no
processor from others. Where that or its node dies, Ray itself has the task run again, on another node if need be. The
tasks have no names: those are shared by all that use a cluster, and two pools must never be taken for one.
"""

import logging
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from riser.errors import ConfigError
from riser.services.engines import errand
from riser.services.engines.address import host_and_port, stays_here
from riser.services.engines.engine import Cluster
from riser.services.engines.extras import needs

_KNOCK_SECONDS = 10.0
_ALWAYS = -1


@dataclass(frozen=True, slots=True)
class RayEngine:
    """Places service processes on the nodes of the Ray cluster whose head is at `HOST:PORT` (extra `ray`).

    This machine has to be one of the nodes. Off the loopback interface Ray has to speak TLS, since the pool's key is
    sent through it: `RAY_USE_TLS=1` and what belongs to it in the environment, here as on the nodes.
    """

    extra: ClassVar[str] = "ray"

    address: str

    def connect(self) -> Cluster:
        """The cluster; raises `MissingExtraError`, `ConfigError`, and OSError if nobody listens there."""
        there = host_and_port(self.address)
        if there is None:
            raise ConfigError("address", self.address, "HOST:PORT")
        _check_privacy(*there)
        with needs(self.extra):
            import ray
        # Where nobody listens Ray would wait for long, and end the process.
        socket.create_connection(there, timeout=_KNOCK_SECONDS).close()
        # It warns that SIGTERM is not handled where it is not called in the main thread; that is riser's affair.
        logging.getLogger("ray._private.worker").setLevel(logging.ERROR)
        ray.init(address=self.address, configure_logging=False, log_to_driver=False)
        return _RayCluster(ray)


class _RayCluster:
    def __init__(self, ray: Any) -> None:
        self.host = str(ray.util.get_node_ip_address())
        self._ray = ray
        self._run = ray.remote(num_cpus=0, max_retries=_ALWAYS)(_run)
        self._tasks: dict[int, Any] = {}

    def place(self, slot: int, order: bytes, ended: Callable[[str], None]) -> None:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        nodes = {node["NodeID"]: node for node in self._ray.nodes() if node["Alive"]}
        for node in nodes.values():
            _check_privacy(node["NodeManagerAddress"], node["NodeManagerPort"])
        # One slot after the other; elsewhere if that node is gone.
        there = NodeAffinitySchedulingStrategy(sorted(nodes)[slot % len(nodes)], soft=True)
        task = self._tasks[slot] = self._run.options(scheduling_strategy=there).remote(order)
        task.future().add_done_callback(lambda done: ended(_how_it_ended(done)))

    def close(self) -> None:
        self._tasks.clear()
        self._ray.shutdown()


def _run(order: bytes) -> str:
    """The task, in a worker process of its own."""
    import ray

    return errand.run(order, ray.util.get_node_ip_address())


def _how_it_ended(task: Any) -> str:
    error = task.exception()
    return str(task.result()) if error is None else f"{type(error).__name__}: {error}"


def _check_privacy(host: str, port: int) -> None:
    """Raise `ConfigError` if what is sent there could be read on the way."""
    if os.environ.get("RAY_USE_TLS", "").lower() not in ("1", "true") and not stays_here(host, port):
        raise ConfigError("address", f"{host}:{port}", "a cluster with RAY_USE_TLS=1, or on the loopback interface")
