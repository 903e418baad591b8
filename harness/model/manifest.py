"""An implementation, as its manifest describes it: how to start it, what it offers, how it is known to fail."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from harness.model.source import Location


class Profile(StrEnum):
    """A part of the contract that an implementation offers or leaves out."""

    CORE = "core"
    DAEMON = "daemon"
    SYSLOG = "syslog"
    PRIVILEGES = "privileges"
    TLS = "tls"
    UTILITIES = "utilities"
    SERVICES = "services"
    RESOURCES = "resources"
    ACTIVATION = "activation"


class Action(StrEnum):
    """What a signal asks for, whatever signal an implementation uses for it."""

    STOP_GRACEFUL = "stop_graceful"
    STOP_FORCED = "stop_forced"
    RESTART_GRACEFUL = "restart_graceful"
    RESTART_FORCED = "restart_forced"
    STAT_GET_AND_RESET = "stat_get_and_reset"
    STAT_GET_NO_RESET = "stat_get_no_reset"
    STAT_STOP = "stat_stop"


RISER_SIGNALS: dict[Action, str] = {
    Action.STOP_GRACEFUL: "TERM",
    Action.STOP_FORCED: "INT",
    Action.RESTART_GRACEFUL: "HUP",
    Action.RESTART_FORCED: "QUIT",
    Action.STAT_GET_AND_RESET: "USR1",
    Action.STAT_GET_NO_RESET: "USR2",
    Action.STAT_STOP: "WINCH",
}
"""The signals of RISER, which a manifest may leave out."""


@dataclass(frozen=True, slots=True)
class KnownFailure:
    """A failure that the manifest foretells: of a scenario (`restart/lossless`) or a clause (`restart.lossless`).

    It must fail with a message that contains `message`; anything else is red.
    """

    target: str
    message: str
    reason: str
    location: Location
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """One implementation. `command` gets the path of the configuration appended; `directory` is the manifest's own."""

    name: str
    language: str
    version: str | tuple[str, ...]
    """A literal, or the command that prints it on its first line."""
    homepage: str
    command: tuple[str, ...]
    profiles: frozenset[Profile]
    directory: str
    setup: str = ""
    signals: dict[Action, str] = field(default_factory=lambda: dict(RISER_SIGNALS))
    known: tuple[KnownFailure, ...] = ()
