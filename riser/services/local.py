"""Services without service processes: fronts live in the process of their callers, and a call is a call.

What would be a matter of processes is then none: `at_fork` is not called, nothing is copied, and time limits do not
act, since a call cannot leave its own thread.
"""

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from riser.services.errors import NotStartedError
from riser.services.registry import Registration, Registry


class LocalBackend:
    """Carries calls nowhere; the same program runs with it as with a pool (`service.local`)."""

    processes = 1

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self.fronts: list[object] = []
        self._serving = contextlib.ExitStack()
        self._pid = 0

    def start_server(self) -> None:
        """Make the fronts and call `preprocess`."""
        if self._pid:
            raise NotStartedError("the services are started already")
        self.fronts = self._registry.make_fronts()
        self._serving.enter_context(self._registry.serving(self.fronts))
        self._pid = os.getpid()

    def detach_server(self) -> None:
        """Nothing is shared that could be let go."""

    def stop_server(self) -> None:
        """Call `postprocess`, in reverse order."""
        if self._pid != os.getpid():
            return
        self._pid = 0
        self._serving.close()
        self.fronts = []

    def start_client(self, timeout_seconds: float) -> None:
        """Check that the services are here: a forked process would have a copy of its own of every object."""
        del timeout_seconds
        if not self._pid:
            raise NotStartedError("start_server has to be called before start_client")
        if self._pid != os.getpid():
            raise NotStartedError(
                "services without processes live in the process that started them; a server with child processes"
                " needs Services(1) or more"
            )

    def stop_client(self) -> None:
        """Nothing is held."""

    def front(self, service: Registration, slot: int) -> Any:
        """The object itself."""
        del slot
        return self._front(service)

    def call(self, service: Registration, slot: int, arguments: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """Call the object."""
        del slot
        return cast("Callable[..., Any]", self._front(service))(*arguments, **named)

    def is_callable(self, service: Registration, slot: int) -> bool:
        """Whether the object can be called."""
        del slot
        return callable(self._front(service))

    def _front(self, service: Registration) -> object:
        try:
            return self.fronts[service.index]
        except IndexError:
            raise NotStartedError("the services are not started") from None
