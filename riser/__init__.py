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
    "ClientGone": "riser.services.errors",
    "DaskEngine": "riser.services.engines.dask",
    "LoggingStream": "riser.stream",
    "RayEngine": "riser.services.engines.ray",
    "ReadPoll": "riser.poll",
    "RemoteError": "riser.services.errors",
    "Resource": "riser.resource",
    "ResourceSet": "riser.resource",
    "Service": "riser.services.handles",
    "ServiceDied": "riser.services.errors",
    "ServiceError": "riser.services.errors",
    "ServiceTimeout": "riser.services.errors",
    "ServiceUnavailableError": "riser.services.errors",
    "Services": "riser.services.services",
    "SocketServer": "riser.server",
    "StaleReference": "riser.services.errors",
    "StopBlock": "riser.services.errors",
    "Stream": "riser.stream",
    "TimeoutSizedQueue": "riser.queue",
    "Tls": "riser.tls",
    "UnknownServiceError": "riser.services.errors",
    "WriteBufferStream": "riser.stream",
    "by_reference": "riser.services.travel",
    "byref": "riser.services.travel",
    "running": "riser.daemon",
    "start_daemon": "riser.daemon",
    "time_limit": "riser.services.limits",
}

if TYPE_CHECKING:
    from riser.daemon import running, start_daemon
    from riser.poll import ReadPoll
    from riser.queue import TimeoutSizedQueue
    from riser.resource import Resource, ResourceSet
    from riser.server import SocketServer
    from riser.services.engines.dask import DaskEngine
    from riser.services.engines.ray import RayEngine
    from riser.services.errors import (
        ClientGone,
        RemoteError,
        ServiceDied,
        ServiceError,
        ServiceTimeout,
        ServiceUnavailableError,
        StaleReference,
        StopBlock,
        UnknownServiceError,
    )
    from riser.services.handles import Service
    from riser.services.limits import time_limit
    from riser.services.services import Services
    from riser.services.travel import by_reference, byref
    from riser.stream import LoggingStream, Stream, WriteBufferStream
    from riser.tls import CertificateFiles, Tls

__all__ = [
    "CertificateFiles",
    "ClientGone",
    "DaskEngine",
    "LoggingStream",
    "RayEngine",
    "ReadPoll",
    "RemoteError",
    "Resource",
    "ResourceSet",
    "Service",
    "ServiceDied",
    "ServiceError",
    "ServiceTimeout",
    "ServiceUnavailableError",
    "Services",
    "SocketServer",
    "StaleReference",
    "StopBlock",
    "Stream",
    "TimeoutSizedQueue",
    "Tls",
    "UnknownServiceError",
    "WriteBufferStream",
    "__version__",
    "by_reference",
    "byref",
    "running",
    "start_daemon",
    "time_limit",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'riser' has no attribute {name!r}")
    from importlib import import_module  # here, for the same reason

    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
