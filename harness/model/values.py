"""The small values of the language: text with references, names, durations, signals.

`${path}` and `${path:-default}` stand for a value that is known when the scenario runs, `$$` for a dollar. There is no
expression language. A text that is one whole reference keeps the type of what it refers to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from harness.model.source import Location

Plain: TypeAlias = "str | int | float | bool | list[Plain] | dict[str, Plain] | None"
"""Plain data, as JSON has it."""


@dataclass(frozen=True, slots=True)
class Reference:
    """`${a.b.c}`: the value that actor or step `a` publishes under `b.c`; `default` is used when there is none."""

    path: tuple[str, ...]
    location: Location
    default: str | None = None

    def __str__(self) -> str:
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class Text:
    """Text as the author wrote it, character for character, with references between."""

    parts: tuple[str | Reference, ...]
    location: Location

    @property
    def whole(self) -> Reference | None:
        """The reference, if the text is nothing else."""
        match self.parts:
            case (Reference() as reference,):
                return reference
            case _:
                return None

    def __str__(self) -> str:
        return "".join(part if isinstance(part, str) else f"${{{part}}}" for part in self.parts)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value to compare with: `text` is what the author wrote, `value` what YAML 1.2 makes of it.

    Compared with text, the author's characters count (`1.20` is not `1.2`); compared with a number, the value does.
    """

    text: Text
    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Name:
    """A name that the scenario declared (`d`), or what is published under it (`before.server`), used as a noun."""

    path: tuple[str, ...]
    location: Location

    def __str__(self) -> str:
        return ".".join(self.path)


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A span of time; in YAML always with a unit: `250ms`, `2s`, `1m`, `1h`."""

    seconds: float

    def __str__(self) -> str:
        if self.seconds < 1:
            return f"{self.seconds * 1000:g}ms"
        return f"{self.seconds:g}s"


@dataclass(frozen=True, slots=True)
class SignalName:
    """A signal by its name without SIG: `TERM`, `KILL`, `STOP`."""

    name: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression, searched for with `re.search`; one that matches the empty string is refused."""

    source: str
