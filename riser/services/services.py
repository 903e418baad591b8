"""`Services`: objects in their own processes, by name.

    services = riser.Services(4)                                     4 processes, each with every object
    services.add_any_process_service("resize", resize)               any of them
    services.add_single_process_service("store", Store("data"))      always the same one
    services.add_sticky_process_service("count", counters)           the same one for the same key

    services.start_server()                                          before any thread; before_start of a server
    services.detach_server()                                         in its children; at_fork
    services.start_client()                                          where calls are made; preprocess
    services.call_service("resize", image)
    services.get_service("store").put("a", 1)
    services["count", "alice"]
    services.stop_server()                                           after_stop

This is RISER's `DRbServices`. Beside its registration there is one by type: `services.single_process("store",
factory=open_store)` is a `Service[Store]`, and `@services.any_process("resize")` makes a service of a function.
"""

import random
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from riser.core.routing import AnyProcess, Route, SingleProcess, StickyProcess, slot_of
from riser.errors import ConfigError
from riser.services.config import ServicesConfig
from riser.services.handles import Registrar, Service
from riser.services.local import LocalBackend
from riser.services.registry import Callback, Registry, as_lifespan

if TYPE_CHECKING:
    from riser.services.backend import Backend
    from riser.services.engines.engine import Engine

T = TypeVar("T")
_OnService = TypeVar("_OnService", bound=Callback)
_LifespanFunction = TypeVar("_LifespanFunction", bound=Callable[[Any], object])

START_CLIENT_SECONDS = 30.0
"""How long `start_client` waits for the service processes unless told otherwise."""


class Services:
    """A pool of `process_num` service processes and the services in them; 0 makes calls in the caller's own process.

    With an `engine` the processes are on the machines of its cluster.

    The settings are those of `riser.services.config.ServicesConfig`; raises `ConfigError`. As a context manager it
    starts server and client, and stops both.
    """

    any_process: Registrar
    """Registers services that any process carries out (`service.any`)."""
    single_process: Registrar
    """Registers services that live in one process, each in the next (`service.single`)."""
    sticky_process: Registrar
    """Registers services whose calls with the same key go to the same process (`service.sticky`)."""

    def __init__(self, process_num: int = 0, *, engine: "Engine | None" = None, **settings: Any) -> None:
        self.config = ServicesConfig(process_num=process_num, **settings)
        if engine is not None and process_num < 1:
            raise ConfigError("process_num", process_num, "1 or more, where an engine places the processes")
        self.registry = Registry()
        self.any_process = Registrar(self, AnyProcess)
        self.single_process = Registrar(self, SingleProcess)
        self.sticky_process = Registrar(self, StickyProcess)
        self._backend = self._choose_backend(engine)

    def __repr__(self) -> str:
        return f"<Services {[service.name for service in self.registry]} in {self.config.process_num} processes>"

    # Registration

    def add_any_process_service(
        self, name: str, front: T, *, timeout_seconds: float | None = None, idempotent: bool | Iterable[str] = False
    ) -> Service[T]:
        """Add an object whose calls go to any process; `timeout_seconds` and `idempotent` as in `Registrar`."""
        return self.any_process.add(name, front, timeout_seconds=timeout_seconds, idempotent=idempotent)

    def add_single_process_service(
        self, name: str, front: T, *, timeout_seconds: float | None = None, idempotent: bool | Iterable[str] = False
    ) -> Service[T]:
        """Add an object whose calls always go to the same process; `timeout_seconds` and `idempotent` as in
        `Registrar`."""
        return self.single_process.add(name, front, timeout_seconds=timeout_seconds, idempotent=idempotent)

    def add_sticky_process_service(
        self, name: str, front: T, *, timeout_seconds: float | None = None, idempotent: bool | Iterable[str] = False
    ) -> Service[T]:
        """Add an object whose calls with the same key go to the same process; `timeout_seconds` and `idempotent` as
        in `Registrar`."""
        return self.sticky_process.add(name, front, timeout_seconds=timeout_seconds, idempotent=idempotent)

    def at_fork(self, name: str) -> Callable[[_OnService], _OnService]:
        """Decorates what a new service process calls first with the service's object; never without processes.

        Raises `UnknownServiceError`, as the three below.
        """
        service = self.registry[name]

        def register(callback: _OnService) -> _OnService:
            self.registry.check_open(name)
            service.at_fork = callback
            return callback

        return register

    def preprocess(self, name: str) -> Callable[[_OnService], _OnService]:
        """Decorates what is called with the service's object before the service is served."""
        service = self.registry[name]

        def register(callback: _OnService) -> _OnService:
            self.registry.check_open(name)
            service.preprocess = callback
            return callback

        return register

    def postprocess(self, name: str) -> Callable[[_OnService], _OnService]:
        """Decorates what is called with the service's object after the service was served; those of all services in
        reverse order, whatever one of them raises."""
        service = self.registry[name]

        def register(callback: _OnService) -> _OnService:
            self.registry.check_open(name)
            service.postprocess = callback
            return callback

        return register

    def lifespan(self, name: str) -> Callable[[_LifespanFunction], _LifespanFunction]:
        """Decorates a generator function, or one that gives a context manager: its object's service is served inside.

        It is entered before `preprocess` and left after `postprocess`.
        """
        service = self.registry[name]

        def register(function: _LifespanFunction) -> _LifespanFunction:
            self.registry.check_open(name)
            service.lifespan = as_lifespan(function)
            return function

        return register

    # Life

    def start_server(self) -> None:
        """Start the service processes and wait until they serve.

        To be called before the process has threads, since it forks. Raises `CallbackError` if a factory or callback
        fails; then no process is left.
        """
        self.registry.is_closed = True
        self._backend.start_server()

    def detach_server(self) -> None:
        """Let go, in a child of the process that started the services, of what is that process's."""
        self._backend.detach_server()

    def start_client(self, timeout_seconds: float = START_CLIENT_SECONDS) -> None:
        """Make this process a client of the services.

        Raises `ServiceUnavailableError` if a service process does not answer for so long, and `NotStartedError`.
        """
        self._backend.start_client(timeout_seconds)

    def stop_client(self) -> None:
        """Close this process's connections and give up the objects that it refers to; its end does the same."""
        self._backend.stop_client()

    def stop_server(self) -> None:
        """End the service processes, `postprocess` included, and wait for it; `stop_client` before that."""
        self._backend.stop_client()
        self._backend.stop_server()

    def __enter__(self) -> Self:
        self.start_server()
        try:
            self.start_client()
        except BaseException:
            self.stop_server()
            raise
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self.stop_server()

    def use(self, backend: "Backend") -> None:
        """Let calls be carried by this from now on, as in a service process that was not forked from its server."""
        self._backend = backend

    # Use

    def get_service(self, name: str, *key: object) -> Any:
        """The service's object, or a proxy whose methods are called in the service process.

        A sticky service takes its key, the others nothing more. Raises `UnknownServiceError`.
        """
        service = self.registry[name]
        return self._backend.front(service, self._slot_to_get(service.route, name, key))

    def call_service(self, name: str, *arguments: Any, **named: Any) -> Any:
        """What the service's object returns when it is called; a sticky service takes its key first, and passes it on.

        Raises what the object raises, `UnknownServiceError`, and the other errors of `riser.services.errors`.
        """
        service = self.registry[name]
        return self._backend.call(service, self._slot_to_call(service.route, name, arguments), arguments, named)

    def __getitem__(self, name_and_arguments: Any) -> Any:
        """`services[name, ...]` calls the service if its object can be called, and otherwise gets it."""
        name, *arguments = name_and_arguments if isinstance(name_and_arguments, tuple) else (name_and_arguments,)
        service = self.registry[name]
        slot = self._slot_to_call(service.route, name, arguments)
        if self._backend.is_callable(service, slot):
            return self._backend.call(service, slot, arguments, {})
        self._slot_to_get(service.route, name, arguments)
        return self._backend.front(service, slot)

    def _choose_backend(self, engine: "Engine | None") -> "Backend":
        # Each with what it needs: services without processes need no protocol.
        if engine is not None:
            from riser.services.engines.backend import EngineBackend

            return EngineBackend(self.registry, self.config, engine)
        if self.config.process_num > 0:
            from riser.services.pool import PoolBackend

            return PoolBackend(self.registry, self.config)
        if self.config.strict:
            from riser.services.strict import StrictBackend

            return StrictBackend(self.registry, self.config)
        return LocalBackend(self.registry)

    def _slot_to_get(self, route: Route, name: str, key: "tuple[object, ...] | list[object]") -> int:
        if len(key) != isinstance(route, StickyProcess):
            raise TypeError(f"service {name!r} is got with {self._wants(route)}, not with {len(key)} values")
        return slot_of(route, key[0] if key else None, processes=self._backend.processes, random=random.random)

    def _slot_to_call(self, route: Route, name: str, arguments: "tuple[object, ...] | list[object]") -> int:
        if isinstance(route, StickyProcess) and not arguments:
            raise TypeError(f"service {name!r} is called with a key as its first argument")
        key = arguments[0] if arguments else None
        return slot_of(route, key, processes=self._backend.processes, random=random.random)

    @staticmethod
    def _wants(route: Route) -> str:
        return "a key" if isinstance(route, StickyProcess) else "no key"
