"""Shared by the tests of services: objects to serve, and pools of them."""

import contextlib
import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any, Self

import pytest

from riser.services.config import ServicesConfig
from riser.services.engines.identity import new_identity
from riser.services.exports import Place
from riser.services.handshake import new_name
from riser.services.host import Host
from riser.services.local import LocalBackend
from riser.services.registry import Registry
from riser.services.secure import Address, TcpEndpoint, TcpGuard, listen
from riser.services.services import Services
from riser.services.strict import StrictBackend
from riser.services.travel import by_reference, byref

DEADLINE_SECONDS = 30.0

MAY_FORK_WITH_THREADS = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
"""For tests whose process has threads that are not riser's: those of the test runner, or the test's own."""


def eventually(condition: Callable[[], object], what: str) -> None:
    """Wait for what another thread or process is about to do."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    pause = select.poll()
    while not condition():
        assert time.monotonic() < deadline, f"not within {DEADLINE_SECONDS} s: {what}"
        pause.poll(2)


def has_heard_of_the_end(services: Services, slot: int = 0) -> bool:
    """Whether all idle connections to a process that is gone have ended here, too: TCP may tell of it a bit later."""
    current = services._backend._need_client().slots[slot].current  # type: ignore[attr-defined]
    ended = select.poll()
    for link in current.idle:
        ended.register(link.wire._sock, select.POLLRDHUP)
    return len(ended.poll(0)) == len(current.idle)


class Odd(Exception):  # noqa: N818 - a name for tests
    """Its `__init__` wants other arguments than it hands on, so it does not unpickle by itself."""

    def __init__(self, *, count: int) -> None:
        super().__init__(f"odd {count}")
        self.count = count


@by_reference
class Thing:
    """Stays where it is."""

    def __init__(self, name: str = "thing") -> None:
        self.name = name
        self.ended = False

    def where(self) -> tuple[int, int]:
        return os.getpid(), threading.get_ident()

    def me(self) -> Self:
        return self

    def rename(self, name: str) -> None:
        self.name = name

    @property
    def title(self) -> str:
        return self.name.title()

    def __len__(self) -> int:
        return len(self.name)

    def __riser_dropped__(self) -> None:
        self.ended = True


class Ledger:
    """Something to enter: what is done inside is undone if it does not end well."""

    def __init__(self) -> None:
        self.entries: list[str] = []
        self.lock = threading.RLock()
        self.threads: list[int] = []
        self.left_with: list[str] = []

    def __enter__(self) -> Self:
        self.lock.acquire()
        self.threads.append(threading.get_ident())
        self._before = self.entries.copy()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _traceback: object) -> bool:
        self.threads.append(threading.get_ident())
        self.left_with.append("" if kind is None else f"{kind.__name__}: {error}")
        if error is not None:
            self.entries = self._before
        self.lock.release()
        return isinstance(error, KeyError)

    def add(self, entry: str) -> None:
        self.threads.append(threading.get_ident())
        with self.lock:
            self.entries.append(entry)

    def all(self) -> list[str]:
        return self.entries

    def history(self) -> tuple[list[int], list[str]]:
        return self.threads, self.left_with


class Workshop:
    """A front with a bit of everything."""

    def __init__(self) -> None:
        self.things: list[Thing] = []
        self.ledger = Ledger()
        self.closed_in: list[tuple[int, int]] = []
        self.blocks: list[Callable[..., Any]] = []
        self.sleepers = 0
        self._woken = threading.Event()
        self._secret = "hidden"

    def echo(self, value: Any) -> Any:
        return value

    def both(self, /, *values: Any, **named: Any) -> tuple[Any, ...]:
        return values, named

    def pid(self) -> int:
        return os.getpid()

    def sleep(self, seconds: float) -> None:
        self.sleepers += 1
        self._woken.wait(seconds)
        self.sleepers -= 1

    def wake(self) -> None:
        """End all sleep, for whom nobody waits any more."""
        self._woken.set()

    def sleeping(self) -> int:
        return self.sleepers

    def die(self, number: int = signal.SIGKILL) -> None:
        os.kill(os.getpid(), number)

    def fail(self, error: BaseException) -> None:
        raise error

    def fail_oddly(self) -> None:
        raise Odd(count=3)

    def fail_unpicklably(self) -> None:
        class Local(Exception):  # noqa: N818 - a name for tests
            pass

        raise Local("cannot travel")

    def fail_from(self, cause: Exception) -> None:
        raise ValueError("outer") from cause

    def exit(self) -> None:
        raise SystemExit(3)

    def unpicklable(self) -> Any:
        return [lambda: None]

    def spoiled(self) -> Any:
        return [Thing(), self, lambda: None]

    async def later(self) -> None:
        pass

    # Blocks

    def repeat(self, times: int, block: Callable[[int], Any]) -> list[Any]:
        return [block(number) for number in range(times)]

    def guarded(self, block: Callable[[], Any]) -> Any:
        try:
            return block()
        except Exception as error:  # noqa: BLE001 - as services do that must go on
            return f"caught {type(error).__name__}: {error}"
        finally:
            self.ledger.entries.append("finally")

    def translated(self, block: Callable[[], Any]) -> Any:
        try:
            return block()
        except Exception as error:
            raise RuntimeError("translated") from error

    def keep_block(self, block: Callable[..., Any]) -> None:
        self.blocks.append(block)

    def call_kept(self) -> Any:
        return self.blocks.pop()()

    def nested(self, depth: int, again: Callable[[int], Any]) -> Any:
        return (depth, threading.get_ident()), again(depth)

    def fill(self, collector: Any, times: int) -> Any:
        for number in range(times):
            collector.append(number)
        return collector

    def total(self, numbers: Iterator[int]) -> int:
        return sum(numbers)

    def inside(self, context: Any, block: Callable[[], Any]) -> Any:
        with context as value:
            return value, block()

    # References

    def make(self, name: str = "thing") -> Thing:
        return Thing(name)

    def keep(self, name: str) -> Thing:
        self.things.append(Thing(name))
        return self.things[-1]

    def last(self) -> list[Thing]:
        return self.things[-1:]

    def holds(self, thing: Thing) -> bool:
        return any(thing is kept for kept in self.things)

    def ended(self) -> list[bool]:
        return [thing.ended for thing in self.things]

    def shelf(self) -> list[int]:
        return byref([1, 2, 3])

    def whoami(self) -> "Workshop":
        return self

    def two(self) -> tuple[Thing, dict[str, Thing]]:
        thing = Thing("shared")
        return thing, {"same": thing}

    # With, and generators

    @contextlib.contextmanager
    def transaction(self) -> Iterator["Workshop"]:
        with self.ledger:
            yield self

    def book(self) -> Ledger:
        return self.ledger

    def note(self, entry: str) -> None:
        self.ledger.add(entry)

    def notes(self) -> list[str]:
        return self.ledger.entries

    def count(self, to: int) -> Generator[tuple[int, int], int | None, str]:
        thread = threading.get_ident()
        try:
            for number in range(to):
                sent = yield number, threading.get_ident()
                if sent is not None:
                    yield sent, 0
        finally:
            self.closed_in.append((thread, threading.get_ident()))
        return "counted"

    def mapped(self, function: Callable[[int], Any], numbers: list[int]) -> Iterator[Any]:
        for number in numbers:
            yield function(number)

    def closings(self) -> list[tuple[int, int]]:
        return self.closed_in

    def locked(self) -> bool:
        """Whether another thread holds the ledger's lock."""
        if self.ledger.lock.acquire(blocking=False):
            self.ledger.lock.release()
            return False
        return True


def make_services(process_num: int, **settings: Any) -> Services:
    """A pool with a workshop as a single service, and something of each other kind."""
    services = Services(process_num, **settings)
    services.single_process("workshop", factory=Workshop)
    services.single_process("other", factory=Workshop)
    services.sticky_process("by key", factory=Workshop)
    services.add_any_process_service("pid", os.getpid)
    services.add_sticky_process_service("pid by key", lambda _key: os.getpid())
    return services


class TcpBackend(StrictBackend):
    """Carries calls to this very process over TCP, as they are carried to another machine."""

    passes_descriptors = False

    def __init__(self, registry: Registry, config: ServicesConfig) -> None:
        super().__init__(registry, config)
        self.identity = new_identity("dask")
        self.address = Address("127.0.0.1", 0)
        self._endpoint = TcpEndpoint(lambda _deadline: (self.address, self.identity))

    def start_server(self) -> None:
        LocalBackend.start_server(self)
        place = Place(self._pool, 0, new_name())
        guard = TcpGuard(self.identity)
        host = self._host = Host(self.fronts, place=place, secret=self._secret, config=self._config, guard=guard)
        listener = listen("127.0.0.1")
        self.address = Address(*listener.getsockname())
        self._read, self._write = os.pipe()

        def serve() -> None:
            with listener:
                host.serve(listener, self._read)

        self._thread = threading.Thread(target=serve)
        self._thread.start()

    def stop_server(self) -> None:
        os.close(self._write)
        self._thread.join()
        os.close(self._read)
        assert self._host is not None
        threads = [each.thread for each in list(self._host._connections.values())]
        super().stop_server()
        # Whoever is slow still has its connection, and perhaps a lock of OpenSSL, which the next test may fork with.
        for thread in threads:
            thread.join(DEADLINE_SECONDS)

    def connect(self, deadline: float) -> socket.socket:
        return self._endpoint.connect(deadline)


def over_tcp(**settings: Any) -> Services:
    """Those services, in this process, called over TCP."""
    services = make_services(0, **settings)
    services._backend = TcpBackend(services.registry, services.config)
    return services


SERVED: dict[str, Callable[[], Services]] = {
    "pool": lambda: make_services(2),
    "strict": lambda: make_services(0, strict=True),
    "tcp": over_tcp,
}


@pytest.fixture(scope="module", params=list(SERVED))
def served(request: pytest.FixtureRequest) -> Iterator[Services]:
    """Services that take the whole way of a call: to a pool of two, within this process, and through TLS."""
    with SERVED[request.param]() as services:
        yield services
        # Threads that sleep on in this process would be those of the next test, which may fork.
        services.get_service("workshop").wake()


@pytest.fixture
def pool() -> Iterator[Services]:
    """A pool of two."""
    with make_services(2) as services:
        yield services
