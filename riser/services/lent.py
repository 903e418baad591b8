"""What a client has lent to a service: it is called in the thread that serves a call of that client, which waits.

the service's thread --session--> the client's thread that waits for it: the function runs there
"""

import threading
from collections.abc import Mapping
from typing import Any, Protocol

from riser.services.errors import StaleReference
from riser.services.proxy import ForeignPlace, proxy_class
from riser.services.shape import FUNCTION


class Serving(Protocol):
    """A session, as seen from inside the call that it carries out."""

    client: bytes
    """The name of the client."""

    def call_back(self, target: int, method: str | None, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
        """Call what the client has lent."""

    def await_lease(self) -> None:
        """To be called before the client is made to hold something."""


class _Thread(threading.local):
    session: Serving | None = None


thread = _Thread()
"""The session that this thread serves."""


class LentReference:
    """Where what a client has lent is: at the other end of the session that serves that client in this thread."""

    __slots__ = ("client", "name", "target")

    def __init__(self, client: bytes, target: int, name: str) -> None:
        self.client = client
        self.target = target
        self.name = name

    def __str__(self) -> str:
        return "lent by a client"

    def call(self, method: str | None, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
        """Call it in the client's thread that waits for this one; raises `StaleReference` if none does."""
        session = thread.session
        if session is None or session.client != self.client:
            raise StaleReference(f"a {self.name} lent by a client", "it is used where no call of that client is served")
        return session.call_back(self.target, method, arguments, named)

    def read(self, name: str) -> Any:
        """The value of its property."""
        return self.call(f".{name}", (), {})

    def enter(self) -> Any:
        """Enter it; a client's waiting thread is one for as long as it waits."""
        return self.call("__enter__", (), {})

    def leave(self, error: BaseException | None) -> bool:
        """Leave it."""
        return bool(self.call("__exit__", (type(error) if error else None, error, None), {}))

    def drive(self, method: str, arguments: tuple[Any, ...]) -> Any:
        """Drive it, if it is a generator."""
        return self.call(method, arguments, {})

    def place(self) -> ForeignPlace:
        """It has none that a third process could find."""
        raise TypeError("what a client has lent cannot be passed on")

    def dropped(self) -> None:
        """The client forgets what it lent when its call is over."""


FUNCTION_PROXY = proxy_class(FUNCTION)
"""The class of proxies of functions."""
