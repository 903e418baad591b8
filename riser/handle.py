"""What the user of a shared object gets: it stands for the object, and after its release it refuses.

    handle.append(1)  -->  class Handle[list]: append  -->  the list
    handle.release()  -->  one user less

A class of handles is made for each class of objects, with the same public names: Python looks for operators in a class
and not in an instance, and a service that gives a handle away by reference looks there to see what it offers.
"""

import warnings
from collections.abc import Callable
from functools import lru_cache
from types import TracebackType
from typing import Any, Generic, NoReturn, TypeVar, cast

from riser.errors import RiserError

T = TypeVar("T")


class ReleasedError(RiserError):
    """A handle was used after its release (`resource.after.release`)."""

    def __init__(self, key: object) -> None:
        super().__init__(key)
        self.key = key

    def __str__(self) -> str:
        return f"this handle of {name_of(self.key)} has been released; ask for another"


class Handle(Generic[T]):
    """One user's hold on a shared object; until it is released it stands for the object.

    Methods, operators and attributes are the object's; what returns the object itself returns the handle. The handle's
    own are `release` and the context manager, which hide an object's. It cannot be copied or pickled: it counts as one.
    """

    __slots__ = ("__weakref__", "_give_back", "_key", "_thing")

    __riser_by_reference__ = True

    def __init__(self, thing: T, key: object, *, give_back: Callable[[], None]) -> None:
        # A list, since its pop lets one succeed of all the threads that release at once.
        _set_own(self, "_thing", [thing])
        _set_own(self, "_key", key)
        _set_own(self, "_give_back", give_back)

    def release(self) -> None:
        """Give the object up; whoever is last destroys it. Once released, a handle is not released again."""
        try:
            self._thing.pop()
        except IndexError:
            return
        self._give_back()

    def __riser_dropped__(self) -> None:
        """Called by services when no client has the handle any more: by its own will, or because it is dead."""
        self.release()

    def __enter__(self) -> T:
        _held(self)
        return cast("T", self)

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self.release()

    def __getattr__(self, name: str) -> Any:
        return getattr(_held(self), name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(_held(self), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(_held(self), name)

    def __repr__(self) -> str:
        try:
            thing = _held(self)
        except ReleasedError:
            return f"<released handle of {name_of(self._key)}>"
        return f"<handle of {name_of(self._key)}: {thing!r}>"

    def __str__(self) -> str:
        return str(_held(self))

    def __format__(self, form: str) -> str:
        return format(_held(self), form)

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"a handle of {name_of(self._key)} cannot be copied or pickled")

    def __del__(self) -> None:
        if self._thing:
            warnings.warn(f"unreleased handle of {name_of(self._key)}", ResourceWarning, source=self, stacklevel=2)


def make_handle(
    thing: T, key: object, *, give_back: Callable[[], None], release_names: frozenset[str] = frozenset()
) -> Handle[T]:
    """A handle of `thing`, whose release calls `give_back` once; `release_names` are further names for `release`."""
    handle_class = _handle_class(cast("type", type(thing)), release_names)
    return cast("Handle[T]", handle_class(thing, key, give_back=give_back))


def name_of(key: object) -> str:
    """What to call the object of a key in a message; the unkeyed one has the key None."""
    return "the resource" if key is None else f"resource {key!r}"


_set_own = object.__setattr__
"""How a handle sets what is its own; by assignment it sets attributes of the object."""

_OWN_NAMES = frozenset(
    {
        *("__class__", "__new__", "__init__", "__init_subclass__", "__subclasshook__", "__class_getitem__", "__del__"),
        *("__getattribute__", "__getattr__", "__setattr__", "__delattr__", "__dir__", "__sizeof__", "__repr__"),
        *("__reduce__", "__reduce_ex__", "__getstate__", "__setstate__", "__getnewargs__", "__getnewargs_ex__"),
        *("__copy__", "__deepcopy__", "__str__", "__format__", "__enter__", "__exit__", "__riser_dropped__", "release"),
    }
)
"""What a handle answers for itself, whatever its object has."""


def _held(handle: Handle[T]) -> T:
    try:
        return cast("T", handle._thing[0])  # noqa: SLF001 - this module is what may
    except IndexError:
        raise ReleasedError(handle._key) from None  # noqa: SLF001


@lru_cache
def _handle_class(kind: type, release_names: frozenset[str]) -> type[Handle[Any]]:
    """The class of handles of objects of this class: Python looks for operators in a class, and so do services."""
    forwarded: dict[str, object] = {}
    for name in dir(kind):
        is_special = name.startswith("__") and name.endswith("__")
        if name in _OWN_NAMES or (name.startswith("_") and not is_special):
            continue
        attribute = getattr(kind, name, None)
        if isinstance(attribute, property):
            forwarded[name] = _forward_property(name)
        elif callable(attribute):
            forwarded[name] = _forward(name)
    released = dict.fromkeys(release_names, Handle.release)
    body = {"__slots__": (), "__module__": __name__, **forwarded, **released}
    return cast("type[Handle[Any]]", type(f"Handle[{kind.__qualname__}]", (Handle,), body))


def _forward(name: str) -> Callable[..., Any]:
    def forward(handle: Handle[Any], /, *arguments: Any, **named: Any) -> Any:
        thing = _held(handle)
        result = getattr(thing, name)(*arguments, **named)
        return handle if result is thing else result

    forward.__name__ = forward.__qualname__ = name
    return forward


def _forward_property(name: str) -> property:
    def read(handle: Handle[Any]) -> Any:
        return getattr(_held(handle), name)

    return property(read)
