"""The pool, seen from the process that starts it, from those it forks, and from the service processes themselves.

    server process     start_server -> keeper ...      the latch: whoever holds it wants the pool to live
    its children       detach_server                   a client of it, no more
    service processes                                  clients too, if a service calls another

A latch held by a child would keep the pool alive when the server has died; so a forked child lets go of it by itself,
also when nobody calls `detach_server`.
"""

import logging
import os
import select
import signal
import time

from riser.errors import CallbackError
from riser.process import Child, Latch, Readiness, ReadyPipe, spawn
from riser.services.client import Client, ClientBackend
from riser.services.config import ServicesConfig
from riser.services.entrance import Access
from riser.services.errors import NotStartedError, ServiceUnavailableError
from riser.services.forks import ForkAware, watch_forks
from riser.services.keeper import DEAF, keep
from riser.services.registry import Registry
from riser.services.site import Site
from riser.signals import SignalInbox

_log = logging.getLogger("riser")

_PATIENCE_SECONDS = 5.0
"""How much longer than it may take itself the keeper is waited for."""


class PoolBackend(ClientBackend, ForkAware):
    """Carries calls to service processes of this machine."""

    def __init__(self, registry: Registry, config: ServicesConfig) -> None:
        super().__init__()
        self.processes = config.process_num
        self._registry = registry
        self._config = config
        self._site: Site | None = None
        self._running: _Running | None = None
        watch_forks(self)

    def start_server(self) -> None:
        """Fork the keeper and wait until all service processes serve; raises `CallbackError`."""
        if self._site is not None:
            raise NotStartedError("the services are started already")
        site = self._site = Site.open(self._registry, self._config, make_client=self._need_client)
        try:
            self._running = _Running(site)
            # The listening sockets are the pool's: when it is gone, nobody is to wait in their queues.
            site.close()
            self._running.await_start(self._config.start_timeout_seconds)
        except BaseException:
            site.close()
            self.stop_server()
            site.remove()
            raise

    def detach_server(self) -> None:
        """Let go of the server's hold on the pool; in the server itself nothing happens."""
        if self._running is not None and not self._running.is_mine():
            self._running.let_go()
            self._running = None

    def stop_server(self) -> None:
        """Open the latch and wait until the last process of the pool is gone."""
        running, self._running = self._running, None
        site, self._site = self._site, None
        if running is None or site is None:
            return
        if running.is_mine():
            running.end(self._config.stop_timeout_seconds)
            site.remove()
        running.let_go()

    def after_fork_in_child(self) -> None:
        """What was forked from the server is not what the pool lives for."""
        self.detach_server()

    def _new_client(self) -> Client:
        if self._site is None:
            raise NotStartedError("the services are not started in this process or the one that it was forked from")
        access = Access(
            pool=self._site.pool,
            secret=self._site.secret,
            message_limit=self._config.message_limit_bytes,
            connect_seconds=self._config.connect_timeout_seconds,
        )
        endpoints = [self._site.endpoint(slot) for slot in range(self.processes)]
        return Client(endpoints, access=access, fronts=len(self._registry))


class _Running:
    """The pool in the process that started it."""

    def __init__(self, site: Site) -> None:
        self._pid = os.getpid()
        self._latch = Latch()
        self._gone, gone = os.pipe2(os.O_CLOEXEC)
        self._starting = ReadyPipe()

        def body(inbox: SignalInbox) -> int:
            os.close(self._gone)
            return keep(site, inbox, server=self._latch.watch(), gone=gone, starting=self._starting)

        try:
            self._keeper: Child = spawn(body, operations=DEAF)
        finally:
            os.close(gone)
        self._starting.keep_parent_end()

    def is_mine(self) -> bool:
        """Whether it was this process that started it."""
        return self._pid == os.getpid()

    def await_start(self, seconds: float) -> None:
        """Wait until all serve; raises `CallbackError`, or `ServiceUnavailableError` after this time."""
        deadline = time.monotonic() + seconds + _PATIENCE_SECONDS
        readiness, reason = Readiness.WAITING, ""
        while readiness is Readiness.WAITING:
            if not _is_readable(self._starting.fileno(), deadline):
                raise ServiceUnavailableError("the pool", f"it was not ready within {seconds:g} s")
            readiness, reason = self._starting.poll()
        if readiness is Readiness.FAILED:
            callback, _, why = reason.partition("\0")
            raise CallbackError(callback or "the services' keeper", why or "it ended without a word")

    def end(self, seconds: float) -> None:
        """Let the pool end, and wait for the last of it."""
        self._latch.close()
        if not _is_readable(self._gone, time.monotonic() + seconds + _PATIENCE_SECONDS):
            _log.error("the service processes did not end within %g s", seconds + _PATIENCE_SECONDS)
            self._keeper.send(signal.SIGKILL)
        self._keeper.reap(block=True)

    def let_go(self) -> None:
        """Close this process's descriptors."""
        self._latch.close()
        self._starting.close()
        self._keeper.close()
        if self._gone >= 0:
            os.close(self._gone)
            self._gone = -1


def _is_readable(descriptor: int, deadline: float) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(max(deadline - time.monotonic(), 0) * 1000))
