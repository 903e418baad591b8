"""The configuration of a testee, as the contract has it: from a scenario's actor, and rewritten by `configure`."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, assert_never

from harness.model.actors import Daemon, KeepAlive, Listen, Mode, Resources, ServerTls, Services
from harness.model.values import Plain, Text

if TYPE_CHECKING:
    from pathlib import Path

    from harness.engine.lookup import Scope
    from harness.model.source import Location
    from harness.model.steps import Configure

CONTRACT = 1
_NEEDED_EVENTS = ("before_start", "preprocess")
"""Recorded whatever a scenario asks for: they say that the testee is ready."""


def first_configuration(model: Daemon, scope: Scope, *, mode: Mode, events: Path, socket: Path) -> dict[str, Plain]:
    """What the actor asks for; what it leaves out is left out, and has RISER's default.

    Only `daemonize` is always given, for its default would take the daemon out of the harness's sight. `socket` is the
    path for `listen: unix`.
    """
    parameters = _resolve(model.parameters, scope, model.location)
    if mode is Mode.DAEMON:
        parameters = {"daemonize": False, **parameters}
    configuration: dict[str, Plain] = {
        "contract": CONTRACT,
        "events": str(events),
        "mode": mode.value,
        "daemon": {"listen_address": listen_address(model.listen, scope, model.location, socket=socket), **parameters},
        "server": _resolve(model.server, scope, model.location),
        "handler": model.handler.value,
    }
    if model.tls is not None:
        configuration["tls"] = _given(model.tls, scope)
    if model.keep_alive is not None:
        configuration["http"] = _given(model.keep_alive, scope)
    if model.record is not None:
        needed = [name for name in _NEEDED_EVENTS if name not in model.record]
        configuration["record"] = [*needed, *model.record]
    if model.services is not None:
        configuration["services"] = _services(model.services)
    if model.resources is not None:
        configuration["resources"] = _resources(model.resources)
    _set_faults(configuration, raise_in=model.raise_in, hang_in=model.hang_in, exit_in=model.exit_in)
    return configuration


def changed_configuration(before: dict[str, Plain], step: Configure, scope: Scope, *, socket: Path) -> dict[str, Plain]:
    """The configuration with what the step gives in place of what was there; attributes and parameters are merged."""
    daemon = {**_mapping(before["daemon"]), **_resolve(step.parameters, scope, step.location)}
    if step.listen is not None:
        daemon["listen_address"] = listen_address(step.listen, scope, step.location, socket=socket)
    server = {**_mapping(before["server"]), **_resolve(step.server, scope, step.location)}
    after = {**before, "daemon": daemon, "server": server}
    _set_faults(after, raise_in=step.raise_in, hang_in=step.hang_in, exit_in=step.exit_in)
    return after


def listen_address(
    listen: Listen | Text | dict[str, Plain], scope: Scope, location: Location, *, socket: Path
) -> Plain:
    """The address as the testee is told it; TCP ports are left to the kernel unless the scenario has one."""
    match listen:
        case Listen.TCP:
            return "127.0.0.1:0"
        case Listen.TCP6:
            return "[::1]:0"
        case Listen.UNIX:
            return f"unix:{socket}"
        case Text():
            return scope.text(listen)
        case dict():
            return scope.plain(listen, location)
        case _:
            assert_never(listen)


def process_num(configuration: dict[str, Plain]) -> int:
    """The number of server processes that the configuration asks for."""
    number = _mapping(configuration["server"]).get("process_num", 0)
    return number if isinstance(number, int) else 0


def write_configuration(path: Path, configuration: dict[str, Plain]) -> None:
    """Write it so that a reader sees the old or the new one, whole."""
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(configuration, indent=1) + "\n")
    temporary.replace(path)


def _given(settings: ServerTls | KeepAlive, scope: Scope) -> dict[str, Plain]:
    """What the scenario gives of the settings, under the contract's names, which are the model's."""
    values: dict[str, Plain] = {}
    for spec in fields(settings):
        match getattr(settings, spec.name):
            case None:
                pass
            case Text() as text:
                values[spec.name] = scope.text(text)
            case tuple() as texts:
                values[spec.name] = [scope.text(text) for text in texts]
            case value:
                values[spec.name] = value
    return values


def _services(services: Services) -> dict[str, Plain]:
    register: dict[str, Plain] = {
        name: {"pattern": service.pattern.value, "kind": service.kind.value}
        for name, service in services.register.items()
    }
    return {"process_num": services.process_num, "register": register}


def _resources(resources: Resources) -> dict[str, Plain]:
    register: dict[str, Plain] = {name: pattern.value for name, pattern in resources.register.items()}
    return {
        "process_num": resources.process_num,
        "register": register,
        "create_seconds": resources.create.seconds,
    }


def _resolve(values: dict[str, Plain] | None, scope: Scope, location: Location) -> dict[str, Plain]:
    return {key: scope.plain(value, location) for key, value in (values or {}).items()}


def _mapping(value: Plain) -> dict[str, Plain]:
    assert isinstance(value, dict)
    return value


def _set_faults(configuration: dict[str, Plain], **faults: tuple[str, ...] | None) -> None:
    for key, callbacks in faults.items():
        if callbacks:
            configuration[key] = list(callbacks)
        elif callbacks is not None:
            configuration.pop(key, None)
