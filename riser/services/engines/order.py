"""What a service process on another machine is sent: where it belongs, and the services as they are registered.

The services are pickled by value as far as they are of the main program: that is no module which another machine could
import. What the main program defines goes along, so that its classes are known there by the names that they have here.
A `Services` among it becomes that of the process, by which one service calls another.
"""

import io
import pickle
import sys
import types
from dataclasses import dataclass, field
from typing import Any, cast

from riser.errors import CallbackError
from riser.services.config import ServicesConfig
from riser.services.engines.extras import needs
from riser.services.registry import Registry
from riser.services.secure import Address, Identity
from riser.services.services import Services

_MAIN = "__main__"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Be this service process."""

    slot: int
    config: ServicesConfig
    pool: bytes
    """The name of the pool, and ..."""
    directory: bytes
    """... that of the connector, as a pool of its own."""
    secret: bytes = field(repr=False)
    identity: Identity
    connector: Address
    services: bytes = field(repr=False)
    """What `pack` has made."""


def pack(registry: Registry, extra: str) -> bytes:
    """The services, for other machines; raises `MissingExtraError`, and `CallbackError` if they do not pickle."""
    with needs(extra):
        import cloudpickle

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # it has no types
        def reducer_override(self, thing: object) -> Any:
            if isinstance(thing, Services):
                return _services_here, ()
            return super().reducer_override(thing)

    def dumps(thing: object) -> bytes:
        buffer = io.BytesIO()
        Pickler(buffer, protocol=5).dump(thing)
        return buffer.getvalue()

    def is_portable(thing: object) -> bool:
        try:
            return bool(dumps(thing))
        except Exception:  # noqa: BLE001 - whatever keeps it from travelling, the services may do without it
            return False

    main = {name: thing for name, thing in vars(sys.modules[_MAIN]).items() if _is_defined_there(thing)}
    try:
        return dumps((registry, {name: thing for name, thing in main.items() if is_portable(thing)}))
    except Exception as error:
        raise CallbackError("pickling of the services", f"{type(error).__name__}: {error}") from error


def unpack(packed: bytes, here: Services) -> Registry:
    """The services that were packed, in a process whose own `Services` is `here`."""
    _here.append(here)
    registry, main = pickle.loads(packed)  # noqa: S301 - of the pool's own connector
    vars(sys.modules[_MAIN]).update(main)
    return cast("Registry", registry)


_here: list[Services] = []


def _services_here() -> Services:
    return _here[-1]


def _is_defined_there(thing: object) -> bool:
    return isinstance(thing, type | types.FunctionType) and thing.__module__ == _MAIN
