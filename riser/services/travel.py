"""How a value gets to the other side of a call: as a copy, or as a reference to what stays where it is.

By value travels what pickles. By reference travel objects of classes marked with `by_reference`, whatever is wrapped in
`byref` for this once, generators, open files, and context managers (anything with `__enter__` and `__exit__` that has
not said how to pickle itself). Nothing else does so silently: what can neither be copied nor is one of these is an
error.
"""

import enum
import io
import types
from functools import lru_cache
from typing import Generic, TypeVar, cast

from riser.services.proxy import Proxy

T = TypeVar("T")
C = TypeVar("C", bound=type)

MARK = "__riser_by_reference__"
"""The attribute of a class whose instances travel by reference; so that one can be marked without importing this."""

DROPPED = "__riser_dropped__"
"""The method of such a class that is called once no client holds the instance any more."""


class Travel(enum.Enum):
    """How instances of a class travel."""

    VALUE = "by value"
    CODE = "by name"
    REFERENCE = "by reference"
    WRAPPED = "by reference, this once"
    PROXY = "as the reference that it is"
    REFUSED = "not at all"


class ByReference(Generic[T]):
    """An object that is to travel by reference this once; what `byref` returns."""

    __slots__ = ("thing",)

    def __init__(self, thing: T) -> None:
        self.thing = thing


def by_reference(kind: C) -> C:
    """Decorates a class whose instances stay in their process: others get proxies of them (`service.reference`)."""
    setattr(kind, MARK, True)
    return kind


def byref(thing: T) -> T:
    """The object, to be passed to a service or returned from one by reference, wherever in the value it stands.

    For the type checker it is the object itself, which is what the other side takes it for.
    """
    return cast("T", ByReference(thing))


@lru_cache(maxsize=1024)
def travel_of(kind: type) -> Travel:
    """How instances of this class travel."""
    if kind is ByReference:
        return Travel.WRAPPED
    if issubclass(kind, Proxy):
        return Travel.PROXY
    if issubclass(kind, type) or kind in _CODE:
        return Travel.CODE
    if issubclass(kind, _REFUSED):
        return Travel.REFUSED
    if issubclass(kind, io.BytesIO):
        return Travel.VALUE
    if getattr(kind, MARK, False) or issubclass(kind, (types.GeneratorType, *_FILES)):
        return Travel.REFERENCE
    return Travel.REFERENCE if _is_context_manager(kind) else Travel.VALUE


def refuse(kind: type, thing: object, what: str) -> TypeError:
    """What is said of something that does not travel at all."""
    if isinstance(thing, types.CoroutineType):
        thing.close()
    return TypeError(f"a {kind.__qualname__} cannot be {what}")


def as_argument(value: object) -> object:
    """The argument as it travels: a callable runs where it comes from, be it a function, a method or an object with
    `__call__`; a class is a value."""
    if callable(value) and not isinstance(value, type | Proxy):
        return ByReference(value)
    return value


_CODE = frozenset({types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.MethodWrapperType})
"""As parts of a value they travel by name, as pickle has it; as arguments themselves they are lent."""

_FILES = (io.TextIOWrapper, io.BufferedIOBase, io.RawIOBase)
"""Their classes say how to pickle themselves, which is not at all; those in memory do pickle."""

_REFUSED = (types.CoroutineType, types.AsyncGeneratorType)


def _is_context_manager(kind: type) -> bool:
    if not (hasattr(kind, "__enter__") and hasattr(kind, "__exit__")) or kind is memoryview:
        return False
    return all(getattr(kind, name) is getattr(object, name) for name in ("__reduce__", "__reduce_ex__", "__getstate__"))
