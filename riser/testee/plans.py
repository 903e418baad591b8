"""What the configuration says of services and resources: their pool, and what is registered under which name."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from riser.core.record import Record

W = TypeVar("W", bound=StrEnum)


class PlanError(Exception):
    """The part of the configuration cannot be used."""


class Pattern(StrEnum):
    """Where the calls of a service go."""

    ANY = "any"
    SINGLE = "single"
    STICKY = "sticky"


class Kind(StrEnum):
    """What a service does; `riser.testee.kinds` has the classes."""

    PID = "pid"
    ECHO = "echo"
    SUM = "sum"
    COUNTER = "counter"
    SLEEP = "sleep"
    MEET = "meet"
    RAISE = "raise"
    EXIT = "exit"
    HOLDER = "holder"


class ServicesPlan(Record):
    """A pool and the services in it, in the order of registration."""

    process_num: int
    register: Mapping[str, tuple[Pattern, Kind]]


class ResourcesPlan(Record):
    """A pool and the resources in it: a single one is one object, of a sticky one there is one a key."""

    process_num: int
    register: Mapping[str, Pattern]
    create_seconds: float
    """What it takes to make an object."""


def plan_services(values: Mapping[str, object]) -> ServicesPlan:
    """The plan under `services`; raises PlanError."""
    _check_keys(values, {"process_num", "register"}, "services")
    register: dict[str, tuple[Pattern, Kind]] = {}
    for name, entry in _mapping(values.get("register", {}), "services.register").items():
        where = f"services.register.{name}"
        words = _mapping(entry, where)
        _check_keys(words, {"pattern", "kind"}, where)
        pattern = _word(Pattern, words.get("pattern"), f"{where}.pattern")
        register[name] = (pattern, _word(Kind, words.get("kind"), f"{where}.kind"))
    return ServicesPlan(_processes(values, "services"), register)


def plan_resources(values: Mapping[str, object]) -> ResourcesPlan:
    """The plan under `resources`; raises PlanError."""
    _check_keys(values, {"process_num", "register", "create_seconds"}, "resources")
    register: dict[str, Pattern] = {}
    for name, word in _mapping(values.get("register", {}), "resources.register").items():
        register[name] = _word(Pattern, word, f"resources.register.{name}")
        if register[name] is Pattern.ANY:
            raise PlanError(f"resources.register.{name}: expected single or sticky, got 'any'")
    seconds = values.get("create_seconds", 0.0)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
        raise PlanError(f"resources.create_seconds: expected a number of seconds, got {seconds!r}")
    return ResourcesPlan(_processes(values, "resources"), register, float(seconds))


def _processes(values: Mapping[str, object], where: str) -> int:
    number = values.get("process_num", 0)
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        raise PlanError(f"{where}.process_num: expected a whole number, got {number!r}")
    return number


def _mapping(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise PlanError(f"{where}: expected an object, got {value!r}")
    return value


def _check_keys(values: Mapping[str, object], known: set[str], where: str) -> None:
    for name in values:
        if name not in known:
            raise PlanError(f"{where}.{name}: not in the contract")


def _word(words: type[W], value: object, where: str) -> W:
    for word in words:
        if word.value == value:
            return word
    raise PlanError(f"{where}: expected {' or '.join(words)}, got {value!r}")
