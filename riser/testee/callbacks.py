"""A server made ready from a configuration: attributes, callbacks that record and misbehave as asked, a handler."""

import os
import socket
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from riser.listener import describe
from riser.server import SocketServer
from riser.testee.config import TesteeConfig
from riser.testee.events import Events
from riser.testee.probe import HANDLERS

if TYPE_CHECKING:
    from riser.testee.pools import Pools

_EXIT_STATUS = 3

Handler = Callable[[socket.socket], None]


def set_up(server: SocketServer, config: TesteeConfig) -> None:
    """Make the server ready; an attribute that it does not have is its own affair."""
    for name, value in config.server.items():
        setattr(server, name, value)
    happen = Recorder(config)
    pools = _pools_of(config, happen)
    start, detach, join, end = _life_of(pools)
    handle, hurry = _handler_of(config, pools)
    if config.tls is not None:
        handle = _securely(handle, config.tls)

    def before_start(listening: socket.socket) -> None:
        happen("before_start", address=describe(listening))
        start()

    def at_fork() -> None:
        happen("at_fork")
        detach()

    def preprocess() -> None:
        join()
        happen("preprocess")

    def dispatch(connection: socket.socket) -> None:
        happen("dispatch")
        handle(connection)

    def stop(state: object) -> None:
        hurry()
        happen("at_stop", state=str(state))

    def after_stop() -> None:
        end()
        happen("after_stop")

    server.before_start(before_start)
    server.at_fork(at_fork)
    server.preprocess(preprocess)
    server.dispatch(dispatch)
    server.at_stop(stop)
    server.at_stat(lambda stat: happen("at_stat", stat=dict(stat)))
    server.postprocess(lambda: happen("postprocess"))
    server.after_stop(after_stop)


def _pools_of(config: TesteeConfig, happen: "Recorder") -> "Pools | None":
    if config.services is None and config.resources is None:
        return None
    from riser.testee.pools import Pools  # The modules of services are loaded for those who use them.

    return Pools(config.services, config.resources, directory=config.directory, happen=happen)


def _life_of(pools: "Pools | None") -> tuple[Callable[[], None], ...]:
    """How the pools are started, let go of, joined and ended."""
    if pools is None:
        return (lambda: None,) * 4
    return pools.start, pools.detach, pools.join, pools.stop


def _handler_of(config: TesteeConfig, pools: "Pools | None") -> tuple[Handler, Callable[[], None]]:
    """The handler, and what makes it hurry at a stop."""
    if config.handler != "http":
        return partial(HANDLERS[config.handler], pools), lambda: None
    from riser.testee.halo import Halo  # The modules of HTTP are slow to load.

    halo = Halo(config.http)
    return halo, halo.hurry


def _securely(handle: Handler, settings: Mapping[str, object]) -> Handler:
    from riser.tls import Tls  # The module of OpenSSL is slow to load.

    tls = Tls(**settings)  # type: ignore[arg-type]  # it checks what it is given

    def handle_securely(connection: socket.socket) -> None:
        with tls.serving(connection) as secure:
            handle(secure)

    return handle_securely


class Recorder:
    """Reports a callback, and then exits, hangs or raises in it where the configuration says so."""

    def __init__(self, config: TesteeConfig) -> None:
        self._config = config
        self._events = Events(config.events)

    def __call__(self, callback: str, **fields: object) -> None:
        if callback in self._config.record:
            self._events.report(callback, **fields)
        if callback in self._config.exit_in:
            os._exit(_EXIT_STATUS)
        if callback in self._config.hang_in:
            hang()
        if callback in self._config.raise_in:
            raise RuntimeError(f"{callback} raises as asked")


def hang() -> NoReturn:
    """Never return."""
    while True:
        threading.Event().wait()
