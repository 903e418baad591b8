"""The services and resources of a configuration, registered, and tied to the life of a server.

before_start   the event, then the pools start        at_fork       the event, then the child lets go of them
preprocess     the child is a client, then the event  after_stop    the pools stop, then the event
"""

import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from riser.resource import Resource, ResourceSet
from riser.services.services import Services
from riser.testee.kinds import KINDS, Shared
from riser.testee.plans import Pattern, ResourcesPlan, ServicesPlan

Happen = Callable[..., None]
"""Reports a callback of the contract, and misbehaves in it as asked."""


class Pools:
    """What a server calls: the pool of services and that of resources, under names that differ."""

    def __init__(
        self, services: ServicesPlan | None, resources: ResourcesPlan | None, *, directory: str, happen: Happen
    ) -> None:
        self._pools: list[Services] = []
        self._by_name: dict[str, tuple[Services, Pattern]] = {}
        if services is not None:
            self._add_services(services, Path(directory), happen)
        if resources is not None:
            self._add_resources(resources, Path(directory), happen)

    def start(self) -> None:
        """Start the service processes, before the server has threads."""
        for pool in self._pools:
            pool.start_server()

    def detach(self) -> None:
        """Let go, in a child of the server."""
        for pool in self._pools:
            pool.detach_server()

    def join(self) -> None:
        """Become a client."""
        for pool in self._pools:
            pool.start_client()

    def stop(self) -> None:
        """End the service processes, the last pool first."""
        for pool in reversed(self._pools):
            pool.stop_server()

    def is_keyed(self, name: str) -> bool:
        """Whether calls of that name take a key."""
        return name in self._by_name and self._by_name[name][1] is Pattern.STICKY

    def __getitem__(self, name: str) -> Services:
        """The pool that knows the name; any of them for a name that none knows, so that riser refuses it.

        Raises ValueError if there is no pool at all.
        """
        if name in self._by_name:
            return self._by_name[name][0]
        if not self._pools:
            raise ValueError("neither services nor resources are configured")
        return self._pools[0]

    def _add_services(self, plan: ServicesPlan, directory: Path, happen: Happen) -> None:
        pool = Services(plan.process_num)
        for name, (pattern, kind) in plan.register.items():
            self._add(pool, name, pattern, KINDS[kind](directory, name, keyed=pattern is Pattern.STICKY))
            pool.at_fork(name)(_reporting(happen, "service.at_fork", name))
            pool.preprocess(name)(_reporting(happen, "service.preprocess", name))
            pool.postprocess(name)(_reporting(happen, "service.postprocess", name))
        self._pools.append(pool)

    def _add_resources(self, plan: ResourcesPlan, directory: Path, happen: Happen) -> None:
        pool = Services(plan.process_num)
        for name, pattern in plan.register.items():
            make = _maker(directory / name, happen, seconds=plan.create_seconds)
            end = _ender(happen)
            if pattern is Pattern.STICKY:
                self._add(pool, name, pattern, ResourceSet(make, end))
            else:
                self._add(pool, name, pattern, Resource(make, end))
        self._pools.append(pool)

    def _add(self, pool: Services, name: str, pattern: Pattern, front: object) -> None:
        registrars = {
            Pattern.ANY: pool.any_process,
            Pattern.SINGLE: pool.single_process,
            Pattern.STICKY: pool.sticky_process,
        }
        registrars[pattern].add(name, front)
        self._by_name[name] = (pool, pattern)


def _reporting(happen: Happen, event: str, name: str) -> Callable[[Any], None]:
    return lambda _front: happen(event, service=name)


def _maker(path: Path, happen: Happen, *, seconds: float) -> Callable[..., Shared]:
    serials = itertools.count(1)

    def make(key: str | None = None) -> Shared:
        time.sleep(seconds)
        happen("resource.create", key=key)
        return Shared(path.with_name(f"{path.name}-{quote(key or '', safe='')}"), next(serials), key)

    return make


def _ender(happen: Happen) -> Callable[[Shared], None]:
    return lambda shared: happen("resource.destroy", key=shared.key)
