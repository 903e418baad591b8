"""How a process that meets a reference to a third one's object finds its own way there: by the pool's name."""

from typing import Protocol
from weakref import WeakValueDictionary

from riser.services.errors import StaleReference
from riser.services.proxy import ForeignPlace
from riser.services.shape import Shape


class Reacher(Protocol):
    """A client of a pool."""

    def reach(self, place: ForeignPlace, shape: Shape) -> object:
        """A proxy of the object there, which is held from now on; raises `StaleReference`."""


clients: "WeakValueDictionary[bytes, Reacher]" = WeakValueDictionary()
"""This process's client of each pool that it knows."""


def proxy_of(place: ForeignPlace, shape: Shape) -> object:
    """A proxy of an object in a pool that this process is a client of; raises `StaleReference`."""
    client = clients.get(place.pool)
    if client is None:
        raise StaleReference(f"a {shape.name} of other services", "this process is no client of theirs")
    return client.reach(place, shape)
