"""Which process of the pool a call goes to.

    any      whichever; a random number decides          calls spread over the pool
    single   the index of its registration               services spread over the pool
    sticky   a digest of its name and the call's key     keys spread over the pool

A digest and never `hash()`, which is salted anew in every interpreter: all processes, before and after any restart,
must find the same place for the same key (`service.sticky`). Keys that are equal have the same place, as they would in
a dict: 1, 1.0 and True are one key, a StrEnum is its text.
"""

import enum
import struct
import uuid
from collections.abc import Callable
from hashlib import blake2b
from typing import assert_never

from riser.core.record import Record

_DIGEST_BYTES = 8


class AnyProcess(Record):
    """A randomly picked process for every call (`service.any`)."""


class SingleProcess(Record):
    """Always the same process; `index` counts the single services in order of registration (`service.single`)."""

    index: int


class StickyProcess(Record):
    """The same process for the same key; `name` is the service's, so that services differ in where a key is."""

    name: str


Route = AnyProcess | SingleProcess | StickyProcess


def takes_key(route: Route) -> bool:
    """Whether a call by this route begins with a key."""
    return isinstance(route, StickyProcess)


def slot_of(route: Route, key: object, *, processes: int, random: Callable[[], float]) -> int:
    """The process, from 0 to `processes` - 1, for a call with this key; only a sticky route looks at the key.

    `random` gives numbers from 0 to just below 1. Raises TypeError for a key whose value is not the same in every
    process.
    """
    match route:
        case AnyProcess():
            return int(random() * processes)
        case SingleProcess(index):
            return index % processes
        case StickyProcess(name):
            return sticky_digest(name, key) % processes
        case _:
            assert_never(route)


def sticky_digest(name: str, key: object) -> int:
    """The number that stands for a key of a service, in every process and for ever; raises TypeError as `slot_of`."""
    # Each part is prefixed with its length: ("ab", "c") and ("a", "bc") must not meet.
    return int.from_bytes(blake2b(_framed(_canonical(name)) + _canonical(key), digest_size=_DIGEST_BYTES).digest())


def _canonical(key: object) -> bytes:
    match key:
        case str():
            return b"s" + str.encode(key, "utf-8", "surrogatepass")
        case bytes():
            return b"b" + key
        case int():
            return b"i" + int(key).to_bytes(key.bit_length() // 8 + 1, signed=True)
        case float():
            return _canonical(int(key)) if key.is_integer() else b"f" + struct.pack("!d", key)
        case None:
            return b"n"
        case uuid.UUID():
            return b"u" + key.bytes
        case enum.Enum():
            return b"e" + _canonical((type(key).__module__, type(key).__qualname__, key.name))
        case tuple():
            return b"t" + b"".join(_framed(_canonical(part)) for part in key)
        case frozenset():
            return b"z" + b"".join(sorted(_framed(_canonical(part)) for part in key))
        case _:
            raise TypeError(
                "a sticky key is text, bytes, a number, None, a UUID, an enum member, or a tuple or frozenset of these;"
                f" got {key!r}"
            )


def _framed(part: bytes) -> bytes:
    return len(part).to_bytes(8) + part
