"""Proxies: what stands for an object of another process.

    proxy.put("a", 1)  -->  class of proxies made from the object's shape: put  -->  Reference.call("put", ("a", 1), {})

A proxy offers what the object's class offers, and nothing else: a missing method is missing here, before anything is
sent. Two references to one object are one proxy, so `is`, `==` and use as a key mean what they mean there, unless the
class has an `__eq__` of its own, which is then asked.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import TracebackType
from typing import Any, ClassVar, NamedTuple, NoReturn, Protocol, Self, cast

from riser.services.shape import Shape


class ForeignPlace(NamedTuple):
    """Where in which pool an object is; a front, which has no incarnation, is there in every one."""

    pool: bytes
    slot: int
    incarnation: bytes | None
    target: int


class Reference(Protocol):
    """Where a proxy's object is, and the way there."""

    def call(self, method: str | None, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
        """What the object's method returns; None is the object itself, called."""

    def read(self, name: str) -> Any:
        """The value of the object's property."""

    def enter(self) -> Any:
        """What the object's `__enter__` returns, in a thread that is then kept for `leave`."""

    def leave(self, error: BaseException | None) -> bool:
        """What the object's `__exit__` returns."""

    def drive(self, method: str, arguments: tuple[Any, ...]) -> Any:
        """What the generator's method returns, always called in one thread."""

    def place(self) -> ForeignPlace:
        """Where a third process finds the object; raises TypeError if it cannot."""

    def dropped(self) -> None:
        """Called when the proxy ceases to exist; must neither wait nor raise."""

    def __str__(self) -> str:
        """The object's place, for messages."""


class Proxy:
    """Base of all proxies."""

    __slots__ = ("__weakref__", "_riser")

    _riser: Reference
    riser_shape: ClassVar[Shape]

    def __init__(self, reference: Reference) -> None:
        object.__setattr__(self, "_riser", reference)

    def __repr__(self) -> str:
        return f"<proxy of {type(self).__name__}, {self._riser}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{self!r} can be sent to a service or returned by one, but not copied or pickled")

    def __del__(self) -> None:
        self._riser.dropped()


class ContextProxy(Proxy):
    """A proxy of a context manager: its `with` happens in one thread of the object's process (`service.with`)."""

    __slots__ = ()

    def __enter__(self) -> Any:
        return self._riser.enter()

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> bool:
        return self._riser.leave(error)


class GeneratorProxy(Proxy):
    """A proxy of a generator: whatever it does between two values happens in one thread of its process."""

    __slots__ = ()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        return self._riser.drive("__next__", ())

    def send(self, value: Any, /) -> Any:
        """Go on with this value for the `yield`."""
        return self._riser.drive("send", (value,))

    def throw(self, error: BaseException, /) -> Any:
        """Go on with this exception at the `yield`."""
        return self._riser.drive("throw", (error,))

    def close(self) -> None:
        """End the generator where it is."""
        self._riser.drive("close", ())


@lru_cache(maxsize=1024)
def proxy_class(shape: Shape) -> type[Proxy]:
    """The class of proxies for objects of this shape."""
    operators = set(shape.operators)
    base: type[Proxy] = Proxy
    if shape.is_generator:
        return cast("type[Proxy]", type(shape.name, (GeneratorProxy,), {"__slots__": (), "riser_shape": shape}))
    if {"__enter__", "__exit__"} <= operators:
        base = ContextProxy
        operators -= {"__enter__", "__exit__"}
    names: dict[str, object] = {"__slots__": (), "__module__": __name__, "riser_shape": shape}
    names |= {name: _method(name) for name in (*shape.methods, *operators)}
    names |= {name: property(_getter(name)) for name in shape.properties}
    if "__call__" in operators:
        names["__call__"] = _method(None)
    if "__eq__" in operators and "__hash__" not in operators:
        names["__hash__"] = None
    return cast("type[Proxy]", type(shape.name, (base,), names))


def _method(name: str | None) -> Callable[..., Any]:
    def method(proxy: Proxy, /, *arguments: Any, **named: Any) -> Any:
        return proxy._riser.call(name, arguments, named)  # noqa: SLF001 - made here to be a method of the proxy

    method.__name__ = method.__qualname__ = name or "__call__"
    return method


def _getter(name: str) -> Callable[[Proxy], Any]:
    def getter(proxy: Proxy) -> Any:
        return proxy._riser.read(name)  # noqa: SLF001 - as above

    return getter
