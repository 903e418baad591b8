"""Where a server listens: text or a mapping becomes a `TcpAddress` or a `UnixAddress`.

    "localhost:5000"  "tcp://[::1]:5000"  {"type": "tcp", "host": ..., "port": 5000 or "http", "backlog": ...}
    "unix:/run/x"     "unix:///run/x"     {"type": "unix", "path": ..., "backlog", "mode", "owner", "group": ...}

Two addresses are the same *endpoint* when type and host and port, or path, agree; options do not count
(`address.equality`). Equality with == also looks at the options, so that a restart can tell whether something has
changed at all.
"""

import re
from collections.abc import Callable, Mapping

from riser.core.config import MOST_ID, is_usable_text
from riser.core.record import Record
from riser.errors import AddressError

UNIX_PATH_BYTES = 107
"""What `struct sockaddr_un` holds on Linux, less the closing NUL (`address.unix.long`)."""

MOST_BACKLOG = 2**31 - 1
"""The largest number that listen(2) takes."""

_TCP_TEXT = re.compile(r"(?:tcp://)?(?P<host>\[[^\[\]\s]*\]|[^\[\]\s:/]*)(?::(?P<port>[^\[\]\s:/]*))?/?")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/|[A-Za-z]+:$|tcp:|unix:")


class TcpAddress(Record):
    """A TCP endpoint; `host` is a name or an IPv4 or IPv6 address without brackets, `port` 0 lets the kernel choose."""

    host: str
    port: int
    backlog: int | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"tcp://{host}:{self.port}"

    @property
    def endpoint(self) -> tuple[str, str, int]:
        """What makes it this address and no other."""
        return ("tcp", self.host, self.port)

    def same_endpoint(self, other: "Address") -> bool:
        """Whether both name the same place to listen on, whatever their options."""
        return self.endpoint == other.endpoint


class UnixAddress(Record):
    """A Unix domain endpoint; `mode` is a number of permission bits, `owner` and `group` are names or numbers."""

    path: str
    backlog: int | None = None
    mode: int | None = None
    owner: str | int | None = None
    group: str | int | None = None

    def __str__(self) -> str:
        return f"unix:{self.path}"

    @property
    def endpoint(self) -> tuple[str, str]:
        """What makes it this address and no other."""
        return ("unix", self.path)

    def same_endpoint(self, other: "Address") -> bool:
        """Whether both name the same place to listen on, whatever their options."""
        return self.endpoint == other.endpoint


Address = TcpAddress | UnixAddress


def parse_address(value: object, *, service_port: Callable[[str], int]) -> Address:
    """The address that `value` (text or a mapping) describes.

    `service_port` looks up a service name and raises LookupError for an unknown one. Raises `AddressError` with the
    part at fault (`address.invalid`).
    """
    match value:
        case str():
            return _parse_text(value)
        case Mapping():
            return _parse_mapping({str(key): part for key, part in value.items()}, service_port=service_port)
        case _:
            raise AddressError("address", value, "text or a mapping")


def _parse_text(text: str) -> Address:
    if text.startswith("unix:"):
        path = text.removeprefix("unix:")
        if path.startswith("//"):
            path = path.removeprefix("//")
            if path and not path.startswith("/"):
                raise AddressError("address", text, "three slashes before the path (unix:///PATH) or none (unix:PATH)")
        return UnixAddress(_unix_path(path))
    if text and (match := _TCP_TEXT.fullmatch(text)):
        host = _host(match["host"])
        if not re.fullmatch(r"[0-9]+", match["port"] or ""):
            raise AddressError("port", text, "HOST:PORT, with a number")
        return TcpAddress(host, _port_number(int(match["port"])))
    if _SCHEME.match(text) and not text.startswith("tcp:"):
        raise AddressError("scheme", text, "tcp or unix")
    raise AddressError(
        "address", text, "HOST:PORT, tcp://HOST:PORT, unix:PATH or unix:///PATH (IPv6 hosts in brackets)"
    )


def _parse_mapping(parts: Mapping[str, object], *, service_port: Callable[[str], int]) -> Address:
    match parts.get("type"):
        case "tcp":
            _refuse_unknown(parts, known=("type", "host", "port", "backlog"))
            return TcpAddress(
                _host(parts.get("host")), _port(parts.get("port"), service_port=service_port), backlog=_backlog(parts)
            )
        case "unix":
            _refuse_unknown(parts, known=("type", "path", "backlog", "mode", "owner", "group"))
            return UnixAddress(
                _unix_path(parts.get("path")),
                backlog=_backlog(parts),
                mode=_mode(parts.get("mode")),
                owner=_principal("owner", parts.get("owner")),
                group=_principal("group", parts.get("group")),
            )
        case other:
            raise AddressError("type", other, "'tcp' or 'unix'")


def _refuse_unknown(parts: Mapping[str, object], *, known: tuple[str, ...]) -> None:
    for name in parts:
        if name not in known:
            raise AddressError(name, parts[name], f"one of the parts {', '.join(known)}")


def _host(value: object) -> str:
    host = value.removeprefix("[").removesuffix("]") if isinstance(value, str) else ""
    if not is_usable_text(host):
        raise AddressError("host", value, "a name or an address that is not empty")
    return host


def _port(value: object, *, service_port: Callable[[str], int]) -> int:
    match value:
        case bool():
            pass
        case int():
            return _port_number(value)
        case str() if value:
            try:
                return service_port(value)
            except LookupError:
                raise AddressError("port", value, "a number or the name of a TCP service known here") from None
        case _:
            pass
    raise AddressError("port", value, "a number or the name of a service")


def _port_number(port: int) -> int:
    if not 0 <= port <= 65535:
        raise AddressError("port", port, "a number from 0 to 65535")
    return port


def _unix_path(value: object) -> str:
    if not is_usable_text(value):
        raise AddressError("path", value, "a path that is not empty")
    length = len(value.encode("utf-8", "surrogateescape"))
    if length > UNIX_PATH_BYTES:
        raise AddressError("path", value, f"at most {UNIX_PATH_BYTES} bytes (this one has {length})")
    return value


def _backlog(parts: Mapping[str, object]) -> int | None:
    value = parts.get("backlog")
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MOST_BACKLOG):
        return value
    raise AddressError("backlog", value, f"a whole number from 1 to {MOST_BACKLOG}")


def _mode(value: object) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 0o777):
        return value
    raise AddressError("mode", value, "a number from 0 to 0o777")


def _principal(name: str, value: object) -> str | int | None:
    match value:
        case None:
            return None
        case str() if is_usable_text(value):
            return value
        case int() if not isinstance(value, bool) and 0 <= value <= MOST_ID:
            return value
        case _:
            raise AddressError(name, value, f"a name that is not empty or a number from 0 to {MOST_ID}")
