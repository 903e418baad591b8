"""Services by their type: what registering one returns."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Protocol, TypeVar, overload

from riser.core.routing import AnyProcess, SingleProcess, StickyProcess
from riser.errors import ConfigError
from riser.services.config import check_seconds
from riser.services.registry import CallPolicy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from riser.services.services import Services

T = TypeVar("T")
R = TypeVar("R")
P = ParamSpec("P")


class Service(Generic[T]):
    """A registered service whose object is a T.

    `service.get()`, or `service.get(key)` if it is sticky, is a T in its process; a service that can be called is
    called as what it is, a sticky one with the key first.
    """

    def __init__(self, services: "Services", name: str) -> None:
        self._services = services
        self.name = name

    def __repr__(self) -> str:
        return f"<Service {self.name!r}>"

    def get(self, *key: object) -> T:
        """The service's object, or the proxy that stands for it; see `Services.get_service`."""
        front: T = self._services.get_service(self.name, *key)
        return front

    def __call__(self: "Service[Callable[P, R]]", *arguments: P.args, **named: P.kwargs) -> R:
        """Call the service; see `Services.call_service`."""
        result: R = self._services.call_service(self.name, *arguments, **named)
        return result


class Decorate(Protocol):
    """Makes a service of a function."""

    def __call__(self, function: Callable[P, R], /) -> Service[Callable[P, R]]:
        """The service whose object is the function."""


class Registrar:
    """Registers services of one pattern, as a call with a factory or as a decorator of a function."""

    def __init__(self, services: "Services", pattern: type[AnyProcess | SingleProcess | StickyProcess]) -> None:
        self._services = services
        self._pattern = pattern

    @overload
    def __call__(
        self,
        name: str,
        *,
        factory: Callable[[], T],
        timeout_seconds: float | None = None,
        idempotent: "bool | Iterable[str]" = False,
    ) -> Service[T]: ...
    @overload
    def __call__(
        self,
        name: str,
        *,
        timeout_seconds: float | None = None,
        idempotent: "bool | Iterable[str]" = False,
    ) -> Decorate: ...
    def __call__(
        self,
        name: str,
        *,
        factory: Callable[[], T] | None = None,
        timeout_seconds: float | None = None,
        idempotent: "bool | Iterable[str]" = False,
    ) -> Service[T] | Decorate:
        """With `factory`, the service whose object it makes in each service process; without, a decorator.

        The decorated name then stands for the service: to call it is to call the function where the service is.
        `timeout_seconds` limits every call, and calls that are `idempotent` (all, or those of the named methods) are
        made again when their process died. Raises `ConfigError`.
        """
        policy = call_policy(timeout_seconds, idempotent)
        if factory is not None:
            return self._add(name, definition=factory, is_made=True, policy=policy)

        def decorate(function: Callable[P, R], /) -> Service[Callable[P, R]]:
            if isinstance(function, type):
                raise ConfigError(name, function, "a function; a class is given as factory")
            return self._add(name, definition=function, is_made=False, policy=policy)

        return decorate

    def add(
        self, name: str, front: T, *, timeout_seconds: float | None = None, idempotent: "bool | Iterable[str]" = False
    ) -> Service[T]:
        """The service whose object is `front`; every service process gets its copy of it by the fork."""
        return self._add(name, definition=front, is_made=False, policy=call_policy(timeout_seconds, idempotent))

    def _add(self, name: str, *, definition: object, is_made: bool, policy: CallPolicy) -> Service[Any]:
        self._services.registry.add(name, self._pattern, definition=definition, is_made=is_made, policy=policy)
        return Service(self._services, name)


def call_policy(timeout_seconds: float | None, idempotent: "bool | Iterable[str]") -> CallPolicy:
    """The policy as it is written in a registration; raises `ConfigError`."""
    if timeout_seconds is not None:
        check_seconds("timeout_seconds", timeout_seconds)
    if isinstance(idempotent, bool):
        return CallPolicy(timeout_seconds=timeout_seconds, idempotent=idempotent)
    names = frozenset([idempotent] if isinstance(idempotent, str) else idempotent)
    return CallPolicy(timeout_seconds=timeout_seconds, idempotent=names)
