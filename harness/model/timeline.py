"""The timeline: everything that all actors did, on one clock."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class What(StrEnum):
    """The kind of a moment; it decides the wording and the lane in every report."""

    STEP = "step"
    SIGNAL = "signal"
    BIRTH = "birth"
    DEATH = "death"
    EVENT = "event"
    LOG = "log"
    SENT = "sent"
    RECEIVED = "received"
    CONNECTED = "connected"
    CLOSED = "closed"
    OPERATION = "operation"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened: `at` seconds since the scenario began, to or by `actor`, in one line of text."""

    at: float
    actor: str
    what: What
    text: str
    pid: int | None = None
