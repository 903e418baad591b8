"""Where something listens: what testees report, and what clients are told to connect to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class TcpEndpoint:
    """A host, by number or name, and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class UnixEndpoint:
    """The path of a Unix domain socket."""

    path: str

    def __str__(self) -> str:
        return f"unix:{self.path}"


Endpoint: TypeAlias = TcpEndpoint | UnixEndpoint


def parse_endpoint(text: str) -> Endpoint:
    """`HOST:PORT`, `tcp://HOST:PORT`, `[::1]:PORT`, `unix:PATH` or `unix:///PATH`.

    Raises ValueError, with a sentence that says what is wrong.
    """
    if text.startswith("unix:"):
        path = text.removeprefix("unix:").removeprefix("//")
        if not path:
            raise ValueError(f"the address {text!r} has no path")
        return UnixEndpoint(path)
    host, colon, port = text.removeprefix("tcp://").rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"the address {text!r} is neither HOST:PORT nor unix:PATH")
    return TcpEndpoint(host, int(port))
