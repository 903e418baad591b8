"""A server made ready from a configuration: attributes, callbacks that record and misbehave as asked, a handler."""

import os
import socket
import threading
from collections.abc import Callable, Mapping
from typing import NoReturn

from riser.listener import describe
from riser.server import SocketServer
from riser.testee.config import TesteeConfig
from riser.testee.events import Events
from riser.testee.probe import HANDLERS, Handler

_EXIT_STATUS = 3


def set_up(server: SocketServer, config: TesteeConfig) -> None:
    """Make the server ready; an attribute that it does not have is its own affair."""
    for name, value in config.server.items():
        setattr(server, name, value)
    happen = Recorder(config)
    handle, hurry = _handler_of(config)
    if config.tls is not None:
        handle = _securely(handle, config.tls)

    def dispatch(connection: socket.socket) -> None:
        happen("dispatch")
        handle(connection)

    def stop(state: object) -> None:
        hurry()
        happen("at_stop", state=str(state))

    server.before_start(lambda listening: happen("before_start", address=describe(listening)))
    server.at_fork(lambda: happen("at_fork"))
    server.preprocess(lambda: happen("preprocess"))
    server.dispatch(dispatch)
    server.at_stop(stop)
    server.at_stat(lambda stat: happen("at_stat", stat=dict(stat)))
    server.postprocess(lambda: happen("postprocess"))
    server.after_stop(lambda: happen("after_stop"))


def _handler_of(config: TesteeConfig) -> tuple[Handler, Callable[[], None]]:
    """The handler, and what makes it hurry at a stop."""
    if config.handler != "http":
        return HANDLERS[config.handler], lambda: None
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
