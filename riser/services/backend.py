"""What `Services` needs of whatever carries its calls: the same process, a pool of processes, an engine's hosts."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from riser.services.registry import Registration


class Backend(Protocol):
    """Carries calls to services in `processes` slots, which is 1 where there is no process at all."""

    processes: int

    def start_server(self) -> None:
        """Bring the services up, to the last `preprocess`; raises what keeps them from it."""

    def detach_server(self) -> None:
        """Let go, in a forked child, of what belongs to the process that started the services."""

    def stop_server(self) -> None:
        """End the services, to the first one's `postprocess`."""

    def start_client(self, timeout_seconds: float) -> None:
        """Make this process a client; raises `NotStartedError`, or `ServiceUnavailableError` after this time."""

    def stop_client(self) -> None:
        """Give up what this process holds as a client."""

    def front(self, service: Registration, slot: int) -> Any:
        """The service's object in this slot, or what stands for it."""

    def call(self, service: Registration, slot: int, arguments: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """What the service's object returns when it is called."""

    def is_callable(self, service: Registration, slot: int) -> bool:
        """Whether the service's object can be called."""
