"""Values into messages and back, with references in the places of what does not travel by value.

    value --pickler--> parts of a body ..................... body --unpickler--> value
              |                                                        |
              refer(object) -> (kept, (7, ...))                        kept(7, ...) -> a proxy

The pickler asks `refer` of everything that is not plain data. Where it answers with one of the functions below and its
arguments, the other side calls that function in the object's place, and it asks the courier that is loading.

    kept      stays with me, and I am the service        becomes a proxy, which holds it there
    lent      stays with me, and I am the client         becomes a proxy for as long as this call lasts
    home      is yours                                   becomes the object itself
    foreign   is a third process's                       becomes a proxy of that one, held there too
"""

import pickle
import threading
from collections.abc import Callable, Iterable, Sequence
from types import NoneType
from typing import Any, NamedTuple, cast

from riser.services.errors import MessageTooLargeError
from riser.services.frames import REFERENCES, Kind, Part, Wire, raw
from riser.services.proxy import ForeignPlace

PLAIN_LENGTH = 8192
"""Up to here text and bytes are pickled in one piece with the rest; beyond, they are not copied."""

_PLAIN_KINDS = frozenset({int, float, bool, NoneType})
_MOST_BUFFERS = 0xFFFF

Reduced = tuple[Callable[..., object], tuple[object, ...]]
"""How a reference stands in a pickle: a function of this module and its arguments."""


class Packed(NamedTuple):
    """A value as the parts of a message."""

    flags: int
    parts: Sequence[Part]
    buffers: Sequence[memoryview] = ()


class Courier:
    """One end of a connection, as what carries values over it; the two kinds of it differ in what references mean."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self._packer: _Packer | None = None

    # What the two kinds say

    def refer(self, thing: Any) -> Reduced | Any:
        """The reference that travels instead of the object, or NotImplemented."""
        raise NotImplementedError

    def meet_kept(self, target: int, shape_id: int, shape: tuple[Any, ...] | None) -> object:
        """What stands here for an object of the service."""
        raise NotImplementedError

    def meet_lent(self, target: int, shape: tuple[Any, ...] | None) -> object:
        """What stands here for an object of the client."""
        raise NotImplementedError

    def meet_home(self, target: int) -> object:
        """The object that has come home."""
        raise NotImplementedError

    def meet_foreign(self, place: ForeignPlace, shape: tuple[Any, ...]) -> object:
        """What stands here for an object of a third process."""
        raise NotImplementedError

    def revoke(self) -> None:
        """Take back the references that were made for a message that is not sent."""

    # What they have in common

    def send(self, kind: Kind, packed: Packed) -> None:
        """Send a message; raises OSError."""
        flags, parts, buffers = packed
        if len(parts) == 1 and type(parts[0]) is bytes and not buffers:
            self.wire.send(kind, parts[0], flags=flags)
        else:
            self.wire.send_parts(kind, flags=flags, parts=parts, buffers=buffers)

    def load(self) -> Any:
        """The value of the message that was received last; see `Wire.load`."""
        return self._with_references(self.wire.load) if self.wire.flags & REFERENCES else self.wire.load()

    def pack(self, value: object, *, in_band: bool = False) -> Packed:
        """The value as a message; `in_band` without separate buffers."""
        # Pickling calls code of the value's classes, which may make a call on this very connection.
        packer, self._packer = self._packer or _Packer(self.refer), None
        try:
            packed = packer.pack(value, in_band=in_band)
            _check_size(packed, self.wire.limit)
        except BaseException:
            self.revoke()
            raise
        self._packer = packer
        return packed

    def freeze(self, value: object) -> tuple[int, bytes]:
        """The value as flags and bytes, for a message in a message."""
        flags, parts, _ = self.pack(value, in_band=True)
        return flags, b"".join(parts)

    def thaw(self, frozen: bytes) -> Any:
        """What was frozen at the other end."""
        return self._with_references(lambda: pickle.loads(frozen))  # noqa: S301 - of a peer that has shown who it is

    def _with_references(self, load: Callable[[], object]) -> Any:
        outer = getattr(_loading, "courier", None)
        _loading.courier = self
        try:
            return load()
        finally:
            _loading.courier = outer


def _check_size(packed: Packed, limit: int) -> None:
    size = len(packed.parts[0])
    if len(packed.parts) > 1 or packed.buffers:
        size = sum(map(len, packed.parts)) + sum(map(len, packed.buffers))
    if size > limit:
        raise MessageTooLargeError(size, limit)


def is_plain(value: object) -> bool:
    """Whether the value is so small and simple that it needs no courier to be pickled."""
    kind = type(value)
    return kind in _PLAIN_KINDS or ((kind is str or kind is bytes) and len(cast("str", value)) <= PLAIN_LENGTH)


def are_plain(values: Iterable[object]) -> bool:
    """Whether each of them is."""
    return all(map(is_plain, values))


class _Packer:
    """A pickler that is used again and again."""

    def __init__(self, refer: Callable[[Any], Reduced | Any]) -> None:
        self._refer = refer
        self._parts: list[object] = []
        self._buffers: list[memoryview] = []
        self._in_band = False
        self._flags = 0
        self._pickler = _Pickler(_Sink(self._parts.append), 5, buffer_callback=self._take_buffer)
        self._pickler.reducer_override = self._override

    def pack(self, value: object, *, in_band: bool) -> Packed:
        self._in_band, self._flags = in_band, 0
        self._parts.clear()
        self._buffers.clear()
        self._pickler.dump(value)
        # The memo would keep everything alive that was ever sent.
        self._pickler.clear_memo()
        if len(self._parts) == 1 and not self._buffers:
            return Packed(self._flags, (self._parts.pop(),))  # type: ignore[arg-type]  # a lone part is bytes
        packed = Packed(self._flags, [raw(part) for part in self._parts], self._buffers.copy())
        self._parts.clear()
        self._buffers.clear()
        return packed

    def _override(self, thing: Any) -> Any:
        reduced = self._refer(thing)
        if reduced is not NotImplemented:
            self._flags = REFERENCES
        return reduced

    def _take_buffer(self, buffer: pickle.PickleBuffer) -> bool:
        """Whether the buffer is to stay in the pickle: what cannot be written to arrives there as bytes, as it was."""
        view = buffer.raw()
        if self._in_band or view.readonly or len(self._buffers) >= _MOST_BUFFERS:
            return True
        self._buffers.append(view)
        return False


class _Pickler(pickle.Pickler):
    """Has room for a `reducer_override` of its own."""

    reducer_override: Callable[[Any], Any]


class _Sink:
    """The file that the pickler writes to."""

    __slots__ = ("write",)

    def __init__(self, write: Callable[[object], None]) -> None:
        self.write = write


_loading = threading.local()


def _courier() -> Courier:
    courier: Courier | None = getattr(_loading, "courier", None)
    if courier is None:
        raise pickle.UnpicklingError("a reference outside of a call")
    return courier


def kept(target: int, shape_id: int, shape: tuple[Any, ...] | None = None) -> object:
    """Called while loading in the place of an object of the service."""
    return _courier().meet_kept(target, shape_id, shape)


def lent(target: int, shape: tuple[Any, ...] | None = None) -> object:
    """Called while loading in the place of an object of the client; without a shape it is a function."""
    return _courier().meet_lent(target, shape)


def home(target: int) -> object:
    """Called while loading in the place of an object that has come home."""
    return _courier().meet_home(target)


def foreign(place: Sequence[Any], shape: tuple[Any, ...]) -> object:
    """Called while loading in the place of an object of a third process."""
    return _courier().meet_foreign(ForeignPlace(*place), shape)
