"""RISER in Python: cooperative multi-thread and preforked multi-process socket servers, and daemons of them.

    server = riser.SocketServer()

    @server.dispatch
    def echo(connection):
        for line in connection.makefile("rb"):
            connection.sendall(line)

    server.start(socket.create_server(("localhost", 5000)))

The public names are loaded when they are first used, so that a program pays for what it needs.
"""

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

_HOMES = {
    "SocketServer": "riser.server",
    "TimeoutSizedQueue": "riser.queue",
}

if TYPE_CHECKING:
    from riser.queue import TimeoutSizedQueue
    from riser.server import SocketServer

__all__ = ["SocketServer", "TimeoutSizedQueue", "__version__"]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'riser' has no attribute {name!r}")
    return getattr(importlib.import_module(home), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
