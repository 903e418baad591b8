"""The settings of a `Services`, with their defaults and checks."""

import math
from dataclasses import dataclass

from riser.errors import ConfigError

_MOST_PROCESSES = 4096
_LARGEST_MESSAGE = 2**32 - 1
"""What the lengths in a message can tell."""
_MOST_CONNECTIONS = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicesConfig:
    """How a pool of service processes behaves."""

    process_num: int = 0
    """Service processes; 0 makes calls in the process of the caller (`service.local`)."""
    strict: bool = False
    """With 0 processes: let every call take the way it would take to a process, so that tests find what cannot."""
    message_limit_bytes: int = 1 << 30
    """The largest message; a larger one is refused where it is made."""
    connection_limit: int = 1024
    """Connections that one service process serves at a time, each in a thread of its own."""
    handshake_timeout_seconds: float = 5.0
    """How long a peer may take to say who it is."""
    connect_timeout_seconds: float = 30.0
    """How long a call waits for a service process that is being started again."""
    start_timeout_seconds: float = 60.0
    """How long all service processes together may take to be ready, `preprocess` included."""
    stop_timeout_seconds: float = 10.0
    """How long a service process may take to end, `postprocess` included, before it is killed."""
    drain_seconds: float = 1.0
    """How long calls under way may take to finish when the service processes are stopped."""

    def __post_init__(self) -> None:
        """Check every field; raises `ConfigError` for the first that cannot be used."""
        _check_whole("process_num", self.process_num, least=0, most=_MOST_PROCESSES)
        _check_whole("message_limit_bytes", self.message_limit_bytes, least=1024, most=_LARGEST_MESSAGE)
        _check_whole("connection_limit", self.connection_limit, least=2, most=_MOST_CONNECTIONS)
        if not isinstance(self.strict, bool):
            raise ConfigError("strict", self.strict, "True or False")
        for name in ("handshake", "connect", "start", "stop"):
            check_seconds(f"{name}_timeout_seconds", getattr(self, f"{name}_timeout_seconds"))
        check_seconds("drain_seconds", self.drain_seconds)


def _check_whole(name: str, value: object, *, least: int, most: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ConfigError(name, value, f"a whole number from {least} to {most:,}")


def check_seconds(name: str, value: object) -> None:
    """Raise `ConfigError` unless it is a positive, finite number of seconds."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
        raise ConfigError(name, value, "a positive number of seconds")
