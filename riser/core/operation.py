"""What a signal asks for, and how far a stop has gone.

A stop only ever escalates: none, graceful, forced. Whatever arrives later, in whatever order, never relaxes it
(`stop.escalate`, `stop.no.relax`).
"""

import enum
from collections.abc import Mapping
from types import MappingProxyType


class Operation(enum.Enum):
    """One thing that a daemon, a server or a child can be asked to do."""

    STOP_GRACEFUL = "stop_graceful"
    STOP_FORCED = "stop_forced"
    RESTART_GRACEFUL = "restart_graceful"
    RESTART_FORCED = "restart_forced"
    STAT_GET_AND_RESET = "stat_get_and_reset"
    STAT_GET_NO_RESET = "stat_get_no_reset"
    STAT_STOP = "stat_stop"
    CHILD_CHANGED = "child_changed"


class StopState(enum.StrEnum):
    """How far a stop has gone; equal to the text that `at_stop` is given."""

    NONE = "none"
    GRACEFUL = "graceful"
    FORCED = "forced"


DEFAULT_SIGNALS: Mapping[Operation, str] = MappingProxyType(
    {
        Operation.STOP_GRACEFUL: "TERM",
        Operation.STOP_FORCED: "INT",
        Operation.RESTART_GRACEFUL: "HUP",
        Operation.RESTART_FORCED: "QUIT",
        Operation.STAT_GET_AND_RESET: "USR1",
        Operation.STAT_GET_NO_RESET: "USR2",
        Operation.STAT_STOP: "WINCH",
    }
)
"""RISER's signals; what `Operation.CHILD_CHANGED` listens to is not for a user to choose."""

SERVER_OPERATIONS = frozenset(
    {
        Operation.STOP_GRACEFUL,
        Operation.STOP_FORCED,
        Operation.STAT_GET_AND_RESET,
        Operation.STAT_GET_NO_RESET,
        Operation.STAT_STOP,
    }
)
"""What a server process understands; a restart is its daemon's affair."""


def escalate(state: StopState, operation: Operation) -> StopState:
    """The stop state after `operation`; operations other than the two stops change nothing."""
    match operation:
        case Operation.STOP_FORCED:
            return StopState.FORCED
        case Operation.STOP_GRACEFUL if state is StopState.NONE:
            return StopState.GRACEFUL
        case _:
            return state
