"""Matchers: what a value must be, as data.

A scalar stands for equality. A mapping holds one or more of the operators below, all of which must hold. Comparing is
done by `harness.engine.match`, one function a matcher, closed over this union.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from harness.model.values import Duration, Name, Pattern, Scalar, Text


@dataclass(frozen=True, slots=True)
class Equals:
    """The same value; text is compared by the author's characters."""

    operand: Scalar


@dataclass(frozen=True, slots=True)
class Contains:
    """The text has this in it, or the list has this among its elements."""

    operand: Text


@dataclass(frozen=True, slots=True)
class StartsWith:
    """The text begins with this."""

    operand: Text


@dataclass(frozen=True, slots=True)
class Matches:
    """The regular expression is found in the text."""

    operand: Pattern


@dataclass(frozen=True, slots=True)
class OneOf:
    """Equal to one of these."""

    operand: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class AtLeast:
    """A number or a span of time, this or more."""

    operand: float | Duration


@dataclass(frozen=True, slots=True)
class AtMost:
    """A number or a span of time, this or less."""

    operand: float | Duration


@dataclass(frozen=True, slots=True)
class Under:
    """A number or a span of time, less than this."""

    operand: float | Duration


@dataclass(frozen=True, slots=True)
class Over:
    """A number or a span of time, more than this."""

    operand: float | Duration


@dataclass(frozen=True, slots=True)
class Length:
    """The text or list has a length that matches."""

    operand: Matcher


@dataclass(frozen=True, slots=True)
class Each:
    """Every element of the list matches, and there is one at least."""

    operand: Matcher


@dataclass(frozen=True, slots=True)
class Distinct:
    """All elements of the list differ (true), or some are the same (false)."""

    operand: bool


@dataclass(frozen=True, slots=True)
class Not:
    """The matcher inside does not match."""

    operand: Matcher


@dataclass(frozen=True, slots=True)
class SameAs:
    """Equal to what was published under that name; lists are compared without order."""

    operand: Name


@dataclass(frozen=True, slots=True)
class NotIn:
    """Not among, and for a list: none of it among, what was published under that name (of a tree: all its pids)."""

    operand: Name


@dataclass(frozen=True, slots=True)
class Fields:
    """The mapping has these fields, and each of them matches; other fields do not matter."""

    operand: tuple[tuple[str, Matcher], ...]


@dataclass(frozen=True, slots=True)
class Keys:
    """The mapping has these keys, in this order, and no others."""

    operand: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class All:
    """Every one of these holds: several operators in one mapping."""

    operand: tuple[Matcher, ...]


Matcher: TypeAlias = (
    Equals
    | Contains
    | StartsWith
    | Matches
    | OneOf
    | AtLeast
    | AtMost
    | Under
    | Over
    | Length
    | Each
    | Distinct
    | Not
    | SameAs
    | NotIn
    | Fields
    | Keys
    | All
)

OPERATORS: dict[str, type[Matcher]] = {
    "equals": Equals,
    "contains": Contains,
    "starts_with": StartsWith,
    "matches": Matches,
    "one_of": OneOf,
    "at_least": AtLeast,
    "at_most": AtMost,
    "under": Under,
    "over": Over,
    "length": Length,
    "each": Each,
    "distinct": Distinct,
    "not": Not,
    "same_as": SameAs,
    "not_in": NotIn,
    "fields": Fields,
    "keys": Keys,
}
"""The word for each matcher in YAML; `All` has none, it is a mapping of several."""
