"""The configuration of a run, read once into values; what is not in the contract is refused."""

import json
import os
from collections.abc import Mapping

from riser.core.record import Record, replace
from riser.testee.plans import PlanError, ResourcesPlan, ServicesPlan, plan_resources, plan_services

CALLBACKS = (
    "before_start",
    "at_fork",
    "preprocess",
    "dispatch",
    "at_stop",
    "at_stat",
    "postprocess",
    "after_stop",
    "service.at_fork",
    "service.preprocess",
    "service.postprocess",
    "resource.create",
    "resource.destroy",
)

_KINDS: Mapping[str, type] = {
    "contract": int,
    "events": str,
    "record": list,
    "mode": str,
    "daemon": dict,
    "server": dict,
    "handler": str,
    "raise_in": list,
    "hang_in": list,
    "exit_in": list,
    "tls": dict,
    "http": dict,
    "services": dict,
    "resources": dict,
}


class TesteeError(Exception):
    """The configuration cannot be used; the testee exits with `status`."""

    status = 2


class NotOfferedError(TesteeError):
    """It can be used, but not by this implementation."""

    status = 127


class HttpLimits(Record):
    """How long the handler `http` keeps a connection: so many requests, and so many seconds without one."""

    request_max_count: int = 100
    request_timeout_seconds: float = 10.0


class TesteeConfig(Record):
    """One reading of the file: names as in the contract, defaults filled in."""

    directory: str
    """Where the file is, and where services keep theirs."""
    events: str
    mode: str
    handler: str
    daemon: Mapping[str, object]
    server: Mapping[str, object]
    record: frozenset[str] = frozenset(CALLBACKS)
    raise_in: frozenset[str] = frozenset()
    hang_in: frozenset[str] = frozenset()
    exit_in: frozenset[str] = frozenset()
    tls: Mapping[str, object] | None = None
    http: HttpLimits = HttpLimits()
    services: ServicesPlan | None = None
    resources: ResourcesPlan | None = None


def read_config(path: str) -> TesteeConfig:
    """Read the file; raises `TesteeError` with a message that names what is wrong."""
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib would cost a daemon more than its own modules
            values = json.load(file)
    except (OSError, ValueError) as error:
        raise TesteeError(f"{path}: {error}") from error
    if not isinstance(values, dict):
        raise TesteeError(f"{path}: expected one JSON object")
    for name, value in values.items():
        if name not in _KINDS:
            raise TesteeError(f"{name}: not in the contract")
        if not isinstance(value, _KINDS[name]):
            raise TesteeError(f"{name}: expected a {_KINDS[name].__name__}, got {value!r}")
    if values.get("contract") != 1:
        raise TesteeError(f"contract: expected 1, got {values.get('contract')!r}")
    try:
        services = plan_services(values["services"]) if "services" in values else None
        resources = plan_resources(values["resources"]) if "resources" in values else None
    except PlanError as error:
        raise TesteeError(str(error)) from error
    return TesteeConfig(
        directory=os.path.dirname(os.path.abspath(path)),  # noqa: PTH100, PTH120 - as above
        events=_choose(values, "events"),
        mode=_choose(values, "mode", ("daemon", "server")),
        handler=_choose(values, "handler", ("echo", "http", "probe")),
        daemon=values.get("daemon", {}),
        server=values.get("server", {}),
        record=_names(values, "record", CALLBACKS),
        raise_in=_names(values, "raise_in"),
        hang_in=_names(values, "hang_in"),
        exit_in=_names(values, "exit_in"),
        tls=values.get("tls"),
        http=_http_limits(values.get("http", {})),
        services=services,
        resources=resources,
    )


def _http_limits(values: Mapping[str, object]) -> HttpLimits:
    limits = HttpLimits()
    for name, value in values.items():
        match name, value:
            case "request_max_count", int(count) if not isinstance(value, bool) and count > 0:
                limits = replace(limits, request_max_count=count)
            case "request_timeout_seconds", int(seconds) | float(seconds) if (
                not isinstance(value, bool) and seconds > 0
            ):
                limits = replace(limits, request_timeout_seconds=float(seconds))
            case "request_max_count" | "request_timeout_seconds", _:
                raise TesteeError(f"http.{name}: expected a number above 0, got {value!r}")
            case _:
                raise TesteeError(f"http.{name}: not in the contract")
    return limits


def _choose(values: Mapping[str, object], name: str, choices: tuple[str, ...] = ()) -> str:
    value = values.get(name)
    if not isinstance(value, str) or (choices and value not in choices):
        expected = " or ".join(repr(choice) for choice in choices) or "text"
        raise TesteeError(f"{name}: expected {expected}, got {value!r}")
    return value


def _names(values: Mapping[str, object], name: str, default: tuple[str, ...] = ()) -> frozenset[str]:
    chosen = values.get(name, default)
    assert isinstance(chosen, list | tuple)
    for callback in chosen:
        if callback not in CALLBACKS:
            raise TesteeError(f"{name}: expected names of callbacks, got {callback!r}")
    return frozenset(chosen)
