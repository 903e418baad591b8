"""A server made ready from a configuration: attributes, callbacks that record and misbehave as asked, a handler."""

import os
import socket
import threading
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
    handle = _handler_of(config)

    def dispatch(connection: socket.socket) -> None:
        happen("dispatch")
        handle(connection)

    server.before_start(lambda listening: happen("before_start", address=describe(listening)))
    server.at_fork(lambda: happen("at_fork"))
    server.preprocess(lambda: happen("preprocess"))
    server.dispatch(dispatch)
    server.at_stop(lambda state: happen("at_stop", state=str(state)))
    server.at_stat(lambda stat: happen("at_stat", stat=dict(stat)))
    server.postprocess(lambda: happen("postprocess"))
    server.after_stop(lambda: happen("after_stop"))


def _handler_of(config: TesteeConfig) -> Handler:
    handle = HANDLERS[config.handler]
    if config.tls is None:
        return handle
    from riser.tls import Tls  # The module of OpenSSL is slow to load.

    tls = Tls(**config.tls)  # type: ignore[arg-type]  # it checks what it is given

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
