"""What services there are: name, pattern, the object or how to make it, and what happens around its serving.

    factory or front -> at_fork(front) -> lifespan entered, preprocess(front) -> serving
                                          postprocess(front), lifespan left   <-

Fronts are made one after the other in order of registration, then all `at_fork` are called, then the services are
entered one after the other; they are left in reverse order, each whatever happened to the ones before
(`service.callbacks`).
"""

import contextlib
import inspect
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from riser.core.routing import AnyProcess, Route, SingleProcess, StickyProcess
from riser.errors import CallbackError, ConfigError
from riser.services.errors import UnknownServiceError

_log = logging.getLogger("riser")

Callback = Callable[[Any], object]
Lifespan = Callable[[Any], AbstractContextManager[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPolicy:
    """How calls of a service are made."""

    timeout_seconds: float | None = None
    """The time limit of each call; None has none."""
    idempotent: bool | frozenset[str] = False
    """Whether a call that died with its process may be made again: all, none, or these methods."""

    def may_repeat(self, method: str | None) -> bool:
        """Whether calls of this method, or of the service itself (None), may be made again."""
        if isinstance(self.idempotent, bool):
            return self.idempotent
        return (method or "__call__") in self.idempotent


@dataclass(slots=True, kw_only=True)
class Registration:
    """One service; `index` is its place in the order of registration."""

    index: int
    name: str
    route: Route
    make: Callable[[], object]
    definition: object
    """What was registered: the front, or its factory."""
    is_made: bool
    """Whether `definition` is a factory."""
    policy: CallPolicy
    at_fork: Callback | None = None
    preprocess: Callback | None = None
    postprocess: Callback | None = None
    lifespan: Lifespan | None = None


@dataclass(slots=True)
class Registry:
    """The services by name, in order of registration."""

    _services: dict[str, Registration] = field(default_factory=dict)
    is_closed: bool = False
    """Whether the services have been started, after which none can be added or changed."""

    def __getitem__(self, name: str) -> Registration:
        try:
            return self._services[name]
        except (KeyError, TypeError):  # TypeError: what cannot even be a key.
            raise UnknownServiceError(name) from None

    def __iter__(self) -> Iterator[Registration]:
        return iter(self._services.values())

    def __len__(self) -> int:
        return len(self._services)

    def add(
        self,
        name: str,
        pattern: type[AnyProcess | SingleProcess | StickyProcess],
        *,
        definition: object,
        is_made: bool,
        policy: CallPolicy,
    ) -> Registration:
        """Register a service; raises `ConfigError` for a name in use, or after the start."""
        self.check_open(name)
        if not name or name in self._services:
            raise ConfigError("name", name, "a name that is not empty and not in use")
        if is_made and not callable(definition):
            raise ConfigError("factory", definition, "a callable that makes the object")
        registration = Registration(
            index=len(self._services),
            name=name,
            route=self._route(pattern, name),
            make=cast("Callable[[], object]", definition) if is_made else lambda: definition,
            definition=definition,
            is_made=is_made,
            policy=policy,
        )
        self._services[name] = registration
        return registration

    def check_open(self, name: str) -> None:
        """Raise `ConfigError` once the services have been started: processes that run cannot learn of it."""
        if self.is_closed:
            raise ConfigError("name", name, "registration before start_server")

    def make_fronts(self) -> list[object]:
        """The object of every service, by index; raises `CallbackError`."""
        return [_step("factory", service, service.make) for service in self]

    def apply_at_fork(self, fronts: Sequence[object]) -> None:
        """What is done first in a new service process; raises `CallbackError`."""
        for service, front in zip(self, fronts, strict=True):
            if service.at_fork is not None:
                _step("at_fork", service, service.at_fork, front)

    @contextmanager
    def serving(self, fronts: Sequence[object]) -> Iterator[None]:
        """What is done before and after the services are served.

        Raises `CallbackError` if a service cannot be entered, after those that were have been left. What fails while
        leaving is logged.
        """
        with contextlib.ExitStack() as stack:
            for service, front in zip(self, fronts, strict=True):
                _enter(stack, service, front)
            yield

    def _route(self, pattern: type[AnyProcess | SingleProcess | StickyProcess], name: str) -> Route:
        if pattern is SingleProcess:
            return SingleProcess(sum(isinstance(service.route, SingleProcess) for service in self))
        return StickyProcess(name) if pattern is StickyProcess else AnyProcess()


def _enter(stack: contextlib.ExitStack, service: Registration, front: object) -> None:
    if service.lifespan is not None:
        lifespan = _step("lifespan", service, service.lifespan, front)
        if not isinstance(lifespan, AbstractContextManager):
            raise ConfigError("lifespan", lifespan, f"a context manager for service {service.name!r}")
        _step("lifespan", service, lifespan.__enter__)
        stack.callback(_leave, "lifespan", service, lambda _front: lifespan.__exit__(None, None, None), front)
    if service.preprocess is not None:
        _step("preprocess", service, service.preprocess, front)
    if service.postprocess is not None:
        stack.callback(_leave, "postprocess", service, service.postprocess, front)


def _step(what: str, service: Registration, step: Callable[..., object], *arguments: object) -> object:
    try:
        return step(*arguments)
    except Exception as error:
        raise CallbackError(f"{what} of service {service.name!r}", f"{type(error).__name__}: {error}") from error


def _leave(what: str, service: Registration, step: Callback, front: object) -> None:
    try:
        step(front)
    except Exception:  # noqa: BLE001 - whatever a callback raises, the others have to be called
        _log.exception("%s of service %r failed", what, service.name)


def as_lifespan(function: Callable[[Any], object]) -> Lifespan:
    """The function as one that gives a context manager: a generator function is made into one."""
    if inspect.isgeneratorfunction(function):
        return contextmanager(function)
    return cast("Lifespan", function)
