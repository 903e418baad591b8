"""What is to be done with an item: run it, or say why not. Nothing is started to find out.

needs of the scenario against profiles of the manifest -> Unsupported
actors of the scenario against this machine            -> Skipped
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from harness.model.actors import Certificate, Client, Daemon, Listen, Load, Process, Proxy, Syslog, Terminal
from harness.model.manifest import Profile
from harness.model.values import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.machine import Machine
    from harness.model.actors import Actor
    from harness.model.manifest import Manifest
    from harness.model.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Ready:
    """Nothing stands in the way of running the item."""


@dataclass(frozen=True, slots=True)
class Unsupported:
    """The implementation leaves out, in its manifest, something that the item needs."""

    reason: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """This machine lacks something that the item needs."""

    reason: str


Plan: TypeAlias = Ready | Unsupported | Skipped


def plan(scenario: Scenario, manifest: Manifest, *, machine: Machine) -> Plan:
    """Whether the item can be run against the implementation on the machine."""
    missing = sorted(scenario.profiles - manifest.profiles)
    if missing:
        noun = "profile" if len(missing) == 1 else "profiles"
        return Unsupported(f"the manifest of {manifest.name} does not offer the {noun} {', '.join(missing)}")
    lacking = next(_lacking(scenario, machine), None)
    return Ready() if lacking is None else Skipped(lacking)


def _lacking(scenario: Scenario, machine: Machine) -> Iterator[str]:
    if Profile.PRIVILEGES in scenario.needs and not machine.is_root:
        yield "only root can give up privileges, and this is not root"
    for actor in scenario.actors:
        if not machine.has_ipv6 and _needs_ipv6(actor):
            yield f"{actor.name} needs IPv6, and ::1 cannot be bound here"
        match actor:
            case Process() | Terminal() if _is_missing(actor.command[0], machine):
                yield f"the program {actor.command[0]} of {actor.name} is not installed"
            case Syslog() if (reason := machine.why_no_private_log()) is not None:
                yield f"{actor.of} cannot have a /dev/log of its own here: {reason}"
            case Certificate() if not machine.has_trustme:
                yield f"the extra tls is not installed, whose trustme makes the certificate {actor.name}"
            case _:
                pass


def _needs_ipv6(actor: Actor) -> bool:
    match actor:
        case Daemon(listen=Listen() as listen):
            return listen is Listen.TCP6
        case Daemon(listen=Text() as listen):
            return "[" in str(listen)
        case Daemon(listen=dict() as listen):
            return ":" in str(listen.get("host", ""))
        case Proxy(listen=Listen.TCP6):
            return True
        case Client(to=to) | Load(to=to) | Proxy(to=to):
            return str(to).startswith(("[", "tcp://["))
        case _:
            return False


def _is_missing(program: Text, machine: Machine) -> bool:
    """Whether a program that is named by literal text is not there; one that depends on a reference counts as there."""
    return all(isinstance(part, str) for part in program.parts) and machine.find_program(str(program)) is None
