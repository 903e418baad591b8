"""Objects that exist only while somebody uses them: made at the first use, shared, destroyed at the last release.

    stores = ResourceSet(open_store, close_store)    # open_store(key) makes a store, close_store(store) ends it
    with stores("alice") as store:
        store["count"] += 1

    stores("alice") --> entry of "alice": lock, count, object <-- handle <-- a user in thread 1
                                                              <-- handle <-- a user in thread 2

Each key has an entry with its own lock, held while its object is made or destroyed; so a slow key never makes another
wait, and an object is never made before the one before it is gone. The table's lock is held for a look at the table
only. An entry is in the table as long as it has *claims*: of those who hold a handle, and of those who wait for one.
"""

import threading
from collections.abc import Callable, Collection, Hashable
from functools import partial
from typing import Generic, ParamSpec, Self, TypeVar, cast, overload

from riser.errors import ConfigError, RiserError
from riser.handle import Handle, make_handle, name_of

T = TypeVar("T")
R = TypeVar("R")
K = TypeVar("K", bound=Hashable)
P = ParamSpec("P")


class RecursiveUseError(RiserError):
    """The create or destroy function of a key uses the same key, and would have to wait for itself."""

    def __init__(self, key: object) -> None:
        super().__init__(key)
        self.key = key

    def __str__(self) -> str:
        return f"{name_of(self.key)} is used by its own create or destroy function"


def _let_be(_thing: object) -> None:
    """End what needs no ending."""


class _Entry(Generic[T]):
    """One key: `count` handles share `thing`. `claims` is guarded by the table's lock, everything else by `lock`."""

    __slots__ = ("claims", "count", "lock", "thing", "worker")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.claims = 0
        self.count = 0
        self.thing: T | None = None
        self.worker: int | None = None
        """The thread that makes or destroys the object now."""


class ResourceSet(Generic[K, T]):
    """Shared objects, one a key, that live from the first use of their key to its last release (`resource.set.keys`).

    `create` makes the object of a key. What it raises reaches the user who asked; no reference is left, and the next
    user, who may be waiting already, tries again (`resource.create.error`). `destroy` ends an object. What it raises
    reaches whoever released last, and the object is gone all the same (`resource.destroy.error`). Both are called in
    their user's thread, for different keys at once. `release_names` are further names for a handle's `release`.
    """

    __riser_by_reference__ = True

    def __init__(
        self,
        create: Callable[[K], T],
        destroy: Callable[[T], object] = _let_be,
        *,
        release_names: Collection[str] = (),
    ) -> None:
        self._create = create
        self._destroy = destroy
        self._release_names = frozenset(release_names)
        self._table: dict[K, _Entry[T]] = {}
        self._table_lock = threading.Lock()

    def __reduce__(self) -> tuple[object, ...]:
        """As a new set of the same functions, for a service process that cannot be forked; TypeError while in use."""
        if self._table:
            raise TypeError("a set of resources that are in use cannot be sent to another process")
        return _remade, (type(self), self._create, self._destroy, self._release_names)

    @classmethod
    def build(cls, define: Callable[["Builder[[K], T]"], object]) -> Self:
        """The set that `define` describes to the builder it is given; raises `ConfigError` without `at_create`."""
        builder: Builder[[K], T] = Builder()
        define(builder)
        return cls(builder.create(), builder.destroy, release_names=builder.release_names)

    @overload
    def __call__(self, key: K, /) -> Handle[T]: ...
    @overload
    def __call__(self, key: K, use: Callable[[T], R], /) -> R: ...
    def __call__(self, key: K, use: Callable[[T], R] | None = None, /) -> Handle[T] | R:
        """A handle of the key's object; or, with `use`, what `use` returns when called with one for that long."""
        handle = self._acquire(key)
        if use is None:
            return handle
        with handle as thing:
            return use(thing)

    def key_count(self) -> int:
        """How many keys have an object."""
        with self._table_lock:
            return sum(entry.count > 0 for entry in self._table.values())

    def ref_count(self, key: K) -> int:
        """How many handles of the key are held."""
        with self._table_lock:
            entry = self._table.get(key)
            return entry.count if entry else 0

    def has_object(self, key: K) -> bool:
        """Whether the key has an object now."""
        return self.ref_count(key) > 0

    def _acquire(self, key: K) -> Handle[T]:
        entry = self._claim(key)
        try:
            with entry.lock:
                if entry.count == 0:
                    entry.thing = _work(entry, partial(self._create, key))
                entry.count += 1
                thing = cast("T", entry.thing)
        except BaseException:
            self._give_up(key, entry)
            raise
        give_back = partial(self._give_back, key, entry)
        return make_handle(thing, key, give_back=give_back, release_names=self._release_names)

    def _give_back(self, key: K, entry: _Entry[T]) -> None:
        try:
            with entry.lock:
                entry.count -= 1
                if entry.count == 0:
                    thing, entry.thing = cast("T", entry.thing), None
                    _work(entry, partial(self._destroy, thing))
        finally:
            self._give_up(key, entry)

    def _claim(self, key: K) -> _Entry[T]:
        with self._table_lock:
            entry = self._table.setdefault(key, _Entry())
            # No lock is needed for this: nobody but this thread writes or takes away its number.
            if entry.worker == threading.get_ident():
                raise RecursiveUseError(key)
            entry.claims += 1
            return entry

    def _give_up(self, key: K, entry: _Entry[T]) -> None:
        with self._table_lock:
            entry.claims -= 1
            if entry.claims == 0:
                del self._table[key]


def _remade(
    kind: type[ResourceSet[K, T]], create: Callable[[K], T], destroy: Callable[[T], object], names: Collection[str]
) -> ResourceSet[K, T]:
    return kind(create, destroy, release_names=names)


def _work(entry: _Entry[T], work: Callable[[], R]) -> R:
    entry.worker = threading.get_ident()
    try:
        return work()
    finally:
        entry.worker = None


class Resource(Generic[T]):
    """One shared object that lives from the first use to the last release (`resource.first.last`).

    It is a `ResourceSet` of a single key, and what is said there of errors and threads holds here.
    """

    __riser_by_reference__ = True

    def __init__(
        self,
        create: Callable[[], T],
        destroy: Callable[[T], object] = _let_be,
        *,
        release_names: Collection[str] = (),
    ) -> None:
        self._set: ResourceSet[None, T] = ResourceSet(lambda _: create(), destroy, release_names=release_names)

    @classmethod
    def build(cls, define: Callable[["Builder[[], T]"], object]) -> Self:
        """The resource that `define` describes to the builder it is given; raises `ConfigError` without `at_create`."""
        builder: Builder[[], T] = Builder()
        define(builder)
        return cls(builder.create(), builder.destroy, release_names=builder.release_names)

    @overload
    def __call__(self, /) -> Handle[T]: ...
    @overload
    def __call__(self, use: Callable[[T], R], /) -> R: ...
    def __call__(self, use: Callable[[T], R] | None = None, /) -> Handle[T] | R:
        """A handle of the object; or, with `use`, what `use` returns when called with one for that long."""
        return self._set(None) if use is None else self._set(None, use)

    def ref_count(self) -> int:
        """How many handles are held."""
        return self._set.ref_count(None)

    def has_object(self) -> bool:
        """Whether the object exists now."""
        return self._set.has_object(None)


class Builder(Generic[P, T]):
    """What `build` gives to its function to describe a resource with; `at_create` and `at_destroy` also decorate."""

    def __init__(self) -> None:
        self._create: Callable[P, T] | None = None
        self.destroy: Callable[[T], object] = _let_be
        self.release_names: set[str] = set()

    def at_create(self, create: Callable[P, T], /) -> Callable[P, T]:
        """Make objects with this function; that of a `ResourceSet` is called with the key."""
        self._create = create
        return create

    def at_destroy(self, destroy: Callable[[T], object], /) -> Callable[[T], object]:
        """End objects with this function, which is called with the object."""
        self.destroy = destroy
        return destroy

    def alias_unref(self, name: str) -> None:
        """Let handles be released by this name as well, such as the `close` of what they stand for."""
        self.release_names.add(name)

    def create(self) -> Callable[P, T]:
        """What `at_create` was given; raises `ConfigError` if it was not called."""
        if self._create is None:
            raise ConfigError("at_create", None, "a function that makes the object")
        return self._create
