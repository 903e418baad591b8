"""RISER in Python: cooperative multi-thread and preforked multi-process socket servers, and daemons of them.

    server = riser.SocketServer()

    @server.dispatch
    def echo(connection):
        for line in connection.makefile("rb"):
            connection.sendall(line)

    server.start(socket.create_server(("localhost", 5000)))

The public names are loaded when they are first used, so that a program pays for what it needs.
"""

TYPE_CHECKING = False
"""What type checkers take for true; importing it from typing would double the cost of importing riser."""

__version__ = "0.1.0"

_HOMES = {
    "CertificateFiles": "riser.tls",
    "LoggingStream": "riser.stream",
    "ReadPoll": "riser.poll",
    "SocketServer": "riser.server",
    "Stream": "riser.stream",
    "TimeoutSizedQueue": "riser.queue",
    "Tls": "riser.tls",
    "WriteBufferStream": "riser.stream",
    "running": "riser.daemon",
    "start_daemon": "riser.daemon",
}

if TYPE_CHECKING:
    from riser.daemon import running, start_daemon
    from riser.poll import ReadPoll
    from riser.queue import TimeoutSizedQueue
    from riser.server import SocketServer
    from riser.stream import LoggingStream, Stream, WriteBufferStream
    from riser.tls import CertificateFiles, Tls

__all__ = [
    "CertificateFiles",
    "LoggingStream",
    "ReadPoll",
    "SocketServer",
    "Stream",
    "TimeoutSizedQueue",
    "Tls",
    "WriteBufferStream",
    "__version__",
    "running",
    "start_daemon",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'riser' has no attribute {name!r}")
    from importlib import import_module  # here, for the same reason

    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
