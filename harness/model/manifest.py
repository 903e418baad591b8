"""An implementation, as its manifest describes it: how to start it, what it offers, how it is known to fail."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from harness.model.fields import option
from harness.model.source import Location
from harness.model.values import SignalName, Text


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

    It must fail with a message that contains `message`; anything else is red. One that happens `sometimes` is a race in
    the implementation: it may pass, and is a known failure then too, for luck proves nothing.
    """

    target: str
    message: str
    reason: str
    location: Location
    link: str | None = None
    sometimes: bool = False


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


@dataclass(frozen=True, slots=True)
class WrittenFailure:
    """A known failure as it is written: of a scenario or of a clause, one of the two."""

    location: Location
    scenario: str | None = option(
        "the scenario, with or without its cell, `*` for any text: restart/lossless[tcp,*]", default=None
    )
    clause: str | None = option("the clause, in whatever scenario checks it", default=None)
    message: str = option("what the failure's message contains")
    reason: str = option("why it fails")
    link: str | None = option("where more is said about it", default=None)
    sometimes: bool = option(
        "a race in the implementation, so that it may pass; it is known all the same", default=False
    )


@dataclass(frozen=True, slots=True)
class WrittenManifest:
    """The keys of a manifest file.

    In commands, `${python}` is the interpreter that runs the harness, and `${here}` the directory of the file.
    """

    name: str = option("the implementation's name: letters, digits, `-`, `_` and `.`")
    language: str = option("the language that it is written in")
    version: str | tuple[Text, ...] = option("its version, or the command that prints it on its first line")
    homepage: str = option("where it comes from")
    command: tuple[Text, ...] = option("the program and its arguments; the configuration's path is appended")
    profiles: tuple[Profile, ...] = option("the profiles that it offers")
    setup: str = option("how a person installs it", default="")
    signals: dict[str, SignalName] | None = option("the signal of each action, where it is not RISER's", default=None)
    known: tuple[WrittenFailure, ...] = option("the failures that are known", default=())
