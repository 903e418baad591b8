"""Whether a value is what a scenario expects, and the sentence when it is not.

Each matcher has one function, which gives None or "got 'ok two', expected 'ok one'". Text is compared by the author's
characters, numbers by value; where one is a number and the other a text that a peer sent, by the text's decimal number.

Upper bounds in time are stretched by the time scale, lower bounds are not. Inside a `not` they change places:
`not: {under: 1s}` asks for a second at least, whatever the scale.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AnySet
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, assert_never

from harness.engine.lookup import spell
from harness.engine.shown import contrast, show
from harness.engine.waits import Limit
from harness.model.matchers import (
    All,
    AtLeast,
    AtMost,
    Contains,
    Distinct,
    Each,
    Equals,
    Fields,
    Keys,
    Length,
    Matcher,
    Matches,
    Not,
    NotIn,
    OneOf,
    Over,
    SameAs,
    StartsWith,
    Under,
)
from harness.model.values import Duration, Scalar

if TYPE_CHECKING:
    from harness.engine.lookup import Scope
    from harness.model.source import Location

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def check(matcher: Matcher, actual: object, scope: Scope, *, scale: float = 1.0, stalled: float = 0.0) -> str | None:
    """None when `actual` matches, else one sentence: "got X, expected Y".

    A span of time is given as a `Duration`. `scale` is the run's time scale; `stalled` seconds, in which the engine
    itself stood still, are added to upper bounds. Raises StepFailedError where the matcher names something that is not
    published yet.
    """
    return _check(matcher, actual, _Terms(scope, scale, stalled))


def describe(matcher: Matcher, scope: Scope, *, scale: float = 1.0) -> str:
    """What the matcher asks for, to stand after "expected": "'ok one'", "at least 50", "text that contains 'x'"."""
    return _describe(matcher, _Terms(scope, scale))


def location_of(matcher: Matcher) -> Location | None:
    """Where the file names the value or the name to compare with; None for a matcher that keeps no place."""
    match matcher:
        case Equals(operand):
            return operand.text.location
        case Contains(operand) | StartsWith(operand):
            return operand.location
        case SameAs(operand) | NotIn(operand):
            return operand.location
        case Not(operand) | Length(operand) | Each(operand):
            return location_of(operand)
        case _:
            return None


def same(one: object, other: object) -> bool:
    """Whether two values that were observed are the same; the order of a list does not count."""
    match one, other:
        case (bool(), _) | (_, bool()):
            return one is other
        case (str(), str()) | (None, _) | (_, None):
            return one == other
        case Mapping(), Mapping():
            return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
        case _ if _is_list(one) and _is_list(other):
            return _same_elements(_elements(one), _elements(other))
        case _:
            number = _number(one)
            return number is not None and number == _number(other)


@dataclass(frozen=True, slots=True)
class _Terms:
    scope: Scope
    scale: float
    stalled: float = 0.0
    negated: bool = False
    """Inside an odd number of `not`."""

    def limit(self, operand: float | Duration, *, upper: bool) -> Limit:
        """The bound to compare with; only one that bounds time from above is stretched."""
        if isinstance(operand, Duration):
            is_stretched = upper != self.negated
            return Limit(operand.seconds, self.scale, self.stalled) if is_stretched else Limit(operand.seconds)
        return Limit(operand)


def _check(matcher: Matcher, actual: object, terms: _Terms) -> str | None:  # noqa: C901 - one case a matcher
    match matcher:
        case Equals():
            return _equals(matcher, actual, terms)
        case Contains():
            return _contains(matcher, actual, terms)
        case StartsWith():
            return _starts_with(matcher, actual, terms)
        case Matches():
            return _matches(matcher, actual, terms)
        case OneOf():
            return _one_of(matcher, actual, terms)
        case AtLeast() | AtMost() | Under() | Over():
            return _bound(matcher, actual, terms)
        case Length():
            return _length(matcher, actual, terms)
        case Each():
            return _each(matcher, actual, terms)
        case Distinct():
            return _distinct(matcher, actual, terms)
        case Not():
            return _not(matcher, actual, terms)
        case SameAs():
            return _same_as(matcher, actual, terms)
        case NotIn():
            return _not_in(matcher, actual, terms)
        case Fields():
            return _fields(matcher, actual, terms)
        case Keys():
            return _keys(matcher, actual, terms)
        case All():
            return _all(matcher, actual, terms)
        case _:
            assert_never(matcher)


def _equals(matcher: Equals, actual: object, terms: _Terms) -> str | None:
    if _is_scalar(matcher.operand, actual, terms):
        return None
    expected = _expected_of(matcher.operand, actual, terms)
    if isinstance(actual, str) and isinstance(expected, str):
        got, wanted = contrast(actual, expected)
        return f"got {got}, expected {wanted}"
    return f"got {show(actual)}, expected {show(expected)}"


def _contains(matcher: Contains, actual: object, terms: _Terms) -> str | None:
    if _is_list(actual):
        wanted = terms.scope.whole(matcher.operand)
        return _unless(any(same(element, wanted) for element in _elements(actual)), matcher, actual, terms)
    text = _text(actual)
    return _unless(text is not None and terms.scope.text(matcher.operand) in text, matcher, actual, terms)


def _starts_with(matcher: StartsWith, actual: object, terms: _Terms) -> str | None:
    text = _text(actual)
    return _unless(text is not None and text.startswith(terms.scope.text(matcher.operand)), matcher, actual, terms)


def _matches(matcher: Matches, actual: object, terms: _Terms) -> str | None:
    text = _text(actual)
    found = text is not None and re.search(matcher.operand.source, text) is not None
    return _unless(found, matcher, actual, terms)


def _one_of(matcher: OneOf, actual: object, terms: _Terms) -> str | None:
    return _unless(any(_is_scalar(scalar, actual, terms) for scalar in matcher.operand), matcher, actual, terms)


def _bound(matcher: AtLeast | AtMost | Under | Over, actual: object, terms: _Terms) -> str | None:
    number = _number(actual)
    # A span of time has no meaning against a bare number; the other way round, numbers that peers report are seconds.
    if number is None or (isinstance(actual, Duration) and not isinstance(matcher.operand, Duration)):
        return f"got {show(actual)}, expected {_describe(matcher, terms)}"
    match matcher:
        case AtLeast(operand):
            holds = number >= terms.limit(operand, upper=False).seconds
        case Over(operand):
            holds = number > terms.limit(operand, upper=False).seconds
        case AtMost(operand):
            holds = number <= terms.limit(operand, upper=True).seconds
        case Under(operand):
            holds = number < terms.limit(operand, upper=True).seconds
        case _:
            assert_never(matcher)
    return _unless(holds, matcher, actual, terms)


def _length(matcher: Length, actual: object, terms: _Terms) -> str | None:
    if not (isinstance(actual, (str, Mapping)) or _is_list(actual)):
        return f"got {show(actual)}, expected something with a length"
    count = len(actual) if isinstance(actual, (str, Mapping)) else len(_elements(actual))
    problem = _check(matcher.operand, count, terms)
    return None if problem is None else f"length of {show(actual)}: {problem}"


def _each(matcher: Each, actual: object, terms: _Terms) -> str | None:
    if not _is_list(actual):
        return f"got {show(actual)}, expected a list"
    elements = _elements(actual)
    if not elements:
        return f"got an empty list, expected one element at least, each {_describe(matcher.operand, terms)}"
    for index, element in enumerate(elements):
        if (problem := _check(matcher.operand, element, terms)) is not None:
            return f"element {index}: {problem}"
    return None


def _distinct(matcher: Distinct, actual: object, terms: _Terms) -> str | None:
    if not _is_list(actual):
        return f"got {show(actual)}, expected a list"
    elements = _elements(actual)
    twice = any(same(one, other) for index, one in enumerate(elements) for other in elements[:index])
    return _unless(twice is not matcher.operand, matcher, actual, terms)


def _not(matcher: Not, actual: object, terms: _Terms) -> str | None:
    inner = _check(matcher.operand, actual, replace(terms, negated=not terms.negated))
    return _unless(inner is not None, matcher, actual, terms)


def _same_as(matcher: SameAs, actual: object, terms: _Terms) -> str | None:
    return _unless(same(actual, terms.scope.value(matcher.operand)), matcher, actual, terms)


def _not_in(matcher: NotIn, actual: object, terms: _Terms) -> str | None:
    others = _members(terms.scope.value(matcher.operand))
    among = [element for element in _elements(actual) if any(same(element, other) for other in others)]
    if among and _is_list(actual):
        return f"got {', '.join(map(show, among))} in {show(actual)}, expected {_describe(matcher, terms)}"
    return _unless(not among, matcher, actual, terms)


def _fields(matcher: Fields, actual: object, terms: _Terms) -> str | None:
    if not isinstance(actual, Mapping):
        return f"got {show(actual)}, expected fields"
    for name, inner in matcher.operand:
        if name not in actual:
            return f"got no {name} in {show(actual)}, expected {_describe(inner, terms)}"
        if (problem := _check(inner, actual[name], terms)) is not None:
            return f"{name}: {problem}"
    return None


def _keys(matcher: Keys, actual: object, terms: _Terms) -> str | None:
    if not isinstance(actual, Mapping):
        return f"got {show(actual)}, expected {_describe(matcher, terms)}"
    names = tuple(actual)
    if names == matcher.operand:
        return None
    missing = [name for name in matcher.operand if name not in actual]
    strange = [name for name in names if name not in matcher.operand]
    if missing or strange:
        parts = [f"no {', '.join(missing)}"] if missing else []
        parts += [f"{', '.join(map(str, strange))} beside the expected ones"] if strange else []
        return f"got {' and '.join(parts)}, expected {_describe(matcher, terms)}"
    return f"got the keys {', '.join(map(str, names))}, expected {_describe(matcher, terms)}"


def _all(matcher: All, actual: object, terms: _Terms) -> str | None:
    return next((problem for inner in matcher.operand if (problem := _check(inner, actual, terms)) is not None), None)


def _unless(holds: bool, matcher: Matcher, actual: object, terms: _Terms) -> str | None:  # noqa: FBT001 - the verdict
    return None if holds else f"got {show(actual)}, expected {_describe(matcher, terms)}"


def _describe(matcher: Matcher, terms: _Terms) -> str:  # noqa: C901 - one case a matcher
    scope = terms.scope
    match matcher:
        case Equals(operand):
            return _spelt(operand, terms)
        case Contains(operand):
            return f"{show(scope.whole(operand))} in it"
        case StartsWith(operand):
            return f"{show(scope.text(operand))} at its start"
        case Matches(operand):
            return f"a match of /{operand.source}/"
        case OneOf(operand):
            return f"one of {', '.join(_spelt(scalar, terms) for scalar in operand)}"
        case AtLeast(operand):
            return f"at least {_bound_text(operand, terms, upper=False)}"
        case Over(operand):
            return f"over {_bound_text(operand, terms, upper=False)}"
        case AtMost(operand):
            return f"at most {_bound_text(operand, terms, upper=True)}"
        case Under(operand):
            return f"under {_bound_text(operand, terms, upper=True)}"
        case Length(operand):
            return f"a length of {_describe(operand, terms)}"
        case Each(operand):
            return f"elements that are each {_describe(operand, terms)}"
        case Distinct(operand):
            return "elements that all differ" if operand else "some elements that are the same"
        case Not(operand):
            return f"not {_describe(operand, replace(terms, negated=not terms.negated))}"
        case SameAs(operand):
            return f"the same as {operand} ({show(scope.value(operand))})"
        case NotIn(operand):
            return f"none of {operand} ({', '.join(map(show, _members(scope.value(operand))))})"
        case Fields(operand):
            return ", ".join(f"{name} {_describe(inner, terms)}" for name, inner in operand)
        case Keys(operand):
            return f"the keys {', '.join(operand)} in this order"
        case All(operand):
            return " and ".join(_describe(inner, terms) for inner in operand)
        case _:
            assert_never(matcher)


def _bound_text(operand: float | Duration, terms: _Terms, *, upper: bool) -> str:
    return str(terms.limit(operand, upper=upper)) if isinstance(operand, Duration) else show(operand)


def _is_scalar(scalar: Scalar, actual: object, terms: _Terms) -> bool:
    expected = _expected_of(scalar, actual, terms)
    if isinstance(expected, str) and not isinstance(actual, str) and scalar.text.whole is None:
        return False  # The author wrote a text where a number came: no silent conversion.
    return same(actual, expected)


def _expected_of(scalar: Scalar, actual: object, terms: _Terms) -> object:
    if isinstance(actual, str) or isinstance(scalar.value, str):
        return terms.scope.text(scalar.text) if isinstance(actual, str) else terms.scope.whole(scalar.text)
    return scalar.value


def _spelt(scalar: Scalar, terms: _Terms) -> str:
    return show(terms.scope.whole(scalar.text)) if isinstance(scalar.value, str) else terms.scope.text(scalar.text)


def _members(value: object) -> Sequence[object]:
    """What `not_in` looks through: of a tree all its processes, of a list its elements, else the value itself."""
    if isinstance(value, Mapping):
        return (
            _members(value["all"]) if "all" in value else [one for inner in value.values() for one in _members(inner)]
        )
    return _elements(value)


def _is_list(value: object) -> bool:
    return isinstance(value, (Sequence, AnySet)) and not isinstance(value, (str, bytes))


def _elements(value: object) -> Sequence[object]:
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return value
    return sorted(value, key=show) if isinstance(value, AnySet) else [value]


def _same_elements(one: Sequence[object], other: Sequence[object]) -> bool:
    rest = list(other)
    for element in one:
        index = next((index for index, candidate in enumerate(rest) if same(element, candidate)), None)
        if index is None:
            return False
        del rest[index]
    return not rest


def _number(value: object) -> float | None:
    match value:
        case bool():
            return None
        case int() | float():
            return value
        case Duration():
            return value.seconds
        case str() if _NUMBER.fullmatch(value):
            return float(value) if "." in value else int(value)
        case _:
            return None


def _text(value: object) -> str | None:
    return None if value is None or _is_list(value) or isinstance(value, Mapping) else spell(value)
