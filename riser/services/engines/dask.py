"""Service processes on the workers of a Dask cluster.

Each is started by a task that lasts as long as it does. The task leaves its worker's thread pool, so that the worker
goes on with its ordinary work. Where a worker dies, Dask itself has the task run again on another one.
"""

import itertools
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlsplit

from riser.errors import ConfigError
from riser.services.engines import errand
from riser.services.engines.address import host_and_port, stays_here
from riser.services.engines.engine import Cluster
from riser.services.engines.extras import needs


@dataclass(frozen=True, slots=True)
class DaskEngine:
    """Places service processes on the workers of this scheduler, `tcp://HOST:PORT` or `tls://HOST:PORT` (extra `dask`).

    `security` makes the `security` that Dask's own client takes; it is called in the connector process. Off the
    loopback interface the scheduler has to speak TLS, since the pool's key is sent through it.
    """

    extra: ClassVar[str] = "dask"

    address: str
    security: Callable[[], object] | None = None

    def connect(self) -> Cluster:
        """The cluster; raises `MissingExtraError`, `ConfigError`, and OSError if no scheduler answers."""
        scheme, _, address = self.address.partition("://")
        there = host_and_port(address)
        if scheme not in ("tcp", "tls") or there is None:
            raise ConfigError("address", self.address, "tcp://HOST:PORT or tls://HOST:PORT")
        if scheme != "tls" and not stays_here(*there):
            raise ConfigError("address", self.address, "a scheduler that speaks TLS, or is on the loopback interface")
        security = None if self.security is None else self.security()
        return _DaskCluster(self.address, security, host=_own_address(*there))


class _DaskCluster:
    def __init__(self, address: str, security: object, *, host: str) -> None:
        with needs(DaskEngine.extra):
            from distributed import Client
        self.host = host
        self._client: Any = Client(address, security=security, set_as_default=False)
        self._tasks: dict[int, Any] = {}
        self._numbers = itertools.count()
        # A key that the scheduler has seen is no new task to it, and two connectors may be forks of one process.
        self._name = secrets.token_hex(8)

    def place(self, slot: int, order: bytes, ended: Callable[[str], None]) -> None:
        workers = sorted(self._client.nthreads())
        task = self._tasks[slot] = self._client.submit(
            _run,
            order,
            key=f"riser-{self._name}-{slot}-{next(self._numbers)}",
            # One slot after the other, as far as there are workers; elsewhere if that one is gone.
            workers=[workers[slot % len(workers)]] if workers else None,
            allow_other_workers=bool(workers),
            pure=False,
        )
        task.add_done_callback(lambda done: ended(_how_it_ended(done)))

    def close(self) -> None:
        self._client.close()


def _run(order: bytes) -> str:
    """The task, in a thread of a worker."""
    from distributed import get_worker, secede

    secede()
    return errand.run(order, urlsplit(get_worker().address).hostname or "127.0.0.1")


def _how_it_ended(task: Any) -> str:
    if task.status == "finished":
        return str(task.result(timeout=10))
    return f"{task.status} by Dask" if task.cancelled() else f"{task.status}: {task.exception(timeout=10)}"


def _own_address(host: str, port: int) -> str:
    """The address of this machine on the way to that one; raises OSError."""
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind) as sock:
        sock.connect(address)
        return str(sock.getsockname()[0])
