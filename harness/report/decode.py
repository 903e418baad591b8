"""From JSON back to the values of a run, checked field by field: a report may come from anywhere.

The other direction needs no code of its own: `dataclasses.asdict`, but for the timeline, which is many short lists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, TypeVar

from harness.model.outcome import Failure, Outcome, Verdict
from harness.model.pace import Pace
from harness.model.source import Location
from harness.model.timeline import Moment, What
from harness.report.run import Footer, Header, Implementation, Machine, NotRun, Result, StatedClause

if TYPE_CHECKING:
    from collections.abc import Callable

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
T = TypeVar("T")


class DecodeError(Exception):
    """A value that is missing or is not what it must be; the sentence names it."""


class Fields:
    """A JSON object whose fields are asked for by name and type; `name` is what messages call it."""

    def __init__(self, values: dict[str, Json], name: str) -> None:
        self._values = values
        self._name = name

    def text(self, key: str) -> str:
        """A text."""
        value = self._value(key)
        if not isinstance(value, str):
            raise self._wrong(key, "a text")
        return value

    def number(self, key: str) -> float:
        """A number."""
        value = self._value(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(key, "a number")
        return float(value)

    def count(self, key: str) -> int:
        """A whole number."""
        value = self._value(key)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._wrong(key, "a whole number")
        return value

    def truth(self, key: str) -> bool:
        """True or false."""
        value = self._value(key)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def fields(self, key: str) -> Fields:
        """An object."""
        value = self._value(key)
        if not isinstance(value, dict):
            raise self._wrong(key, "an object")
        return Fields(value, f"{key} of {self._name}")

    def each(self, key: str, read: Callable[[Fields], T]) -> tuple[T, ...]:
        """A list; each element is read through an object's eyes: a list's elements are named "0", "1", ..."""
        value = self._value(key)
        if not isinstance(value, list):
            raise self._wrong(key, "a list")
        return tuple(read(Fields(_named(element), f"{key} of {self._name}")) for element in value)

    def names(self) -> tuple[str, ...]:
        """The keys of the object, in the order of the file."""
        return tuple(self._values)

    def maybe(self, key: str, read: Callable[[str], T]) -> T | None:
        """What `read` makes of the key, or None where the value is null."""
        return None if self._value(key) is None else read(key)

    def _value(self, key: str) -> Json:
        try:
            return self._values[key]
        except KeyError:
            raise DecodeError(f"{self._name} has no {key}") from None

    def _wrong(self, key: str, expected: str) -> DecodeError:
        return DecodeError(f"{key} of {self._name} is not {expected}")


def _named(element: Json) -> dict[str, Json]:
    match element:
        case dict():
            return element
        case list():
            return {str(index): value for index, value in enumerate(element)}
        case _:
            return {"0": element}


def header(fields: Fields) -> Header:
    """The header of a report."""
    machine = fields.fields("machine")
    return Header(
        harness=fields.text("harness"),
        suite=fields.text("suite"),
        suite_hash=fields.text("suite_hash"),
        implementations=fields.each("implementations", _implementation),
        items=fields.count("items"),
        machine=Machine(machine.text("python"), machine.text("kernel"), machine.count("cores")),
        time_scale=fields.number("time_scale"),
        started=fields.text("started"),
        repeat=fields.count("repeat"),
        clauses=fields.each("clauses", _clause),
        # Reports of before have none.
        pace=fields.maybe("pace", lambda key: Pace(fields.fields(key).number("process")))
        if "pace" in fields.names()
        else None,
    )


def text_of(element: Fields) -> str:
    """A text that is an element of a list."""
    return element.text("0")


def _clause(fields: Fields) -> StatedClause:
    return StatedClause(fields.text("id"), fields.text("topic"), fields.text("level"), fields.text("says"))


def _implementation(fields: Fields) -> Implementation:
    return Implementation(
        name=fields.text("name"),
        version=fields.text("version"),
        argument=fields.maybe("argument", fields.text),
        language=fields.text("language"),
        profiles=fields.each("profiles", text_of),
    )


def footer(fields: Fields) -> Footer:
    """The end of a report."""
    return Footer(
        seconds=fields.number("seconds"),
        interrupted=fields.truth("interrupted"),
        not_run=fields.each("not_run", _not_run),
    )


def _not_run(fields: Fields) -> NotRun:
    return NotRun(fields.text("implementation"), fields.text("item"), fields.count("round"))


def result(fields: Fields) -> Result:
    """One item's line."""
    return Result(
        _outcome(fields.fields("outcome")),
        source=fields.maybe("source", fields.text),
        round=fields.count("round"),
        passed=fields.maybe("passed", lambda key: _outcome(fields.fields(key))),
    )


def _outcome(outcome: Fields) -> Outcome:
    timeline = outcome.each("timeline", _moment)
    failure = outcome.maybe("failure", lambda key: _failure(outcome.fields(key)))
    if failure is not None and failure.moment is not None and not 0 <= failure.moment < len(timeline):
        raise DecodeError(f"the failure points at moment {failure.moment} of {len(timeline)}")
    return Outcome(
        item=outcome.text("item"),
        title=outcome.text("title"),
        clauses=outcome.each("clauses", text_of),
        implementation=outcome.text("implementation"),
        verdict=_verdict(outcome.text("verdict")),
        location=_location(outcome.fields("location")),
        seconds=outcome.number("seconds"),
        failure=failure,
        reason=outcome.maybe("reason", outcome.text),
        timeline=timeline,
        marks=outcome.each("marks", lambda mark: (mark.text("0"), mark.number("1"))),
        workspace=outcome.maybe("workspace", outcome.text),
        needs=outcome.each("needs", text_of),
    )


def _verdict(text: str) -> Verdict:
    try:
        return Verdict(text)
    except ValueError:
        raise DecodeError(f"there is no verdict {text!r}") from None


def _location(fields: Fields) -> Location:
    return Location(fields.text("file"), fields.count("line"), fields.count("column"))


def _failure(fields: Fields) -> Failure:
    return Failure(
        location=_location(fields.fields("location")),
        message=fields.text("message"),
        moment=fields.maybe("moment", fields.count),
        since=fields.maybe("since", fields.text),
        frames=fields.each("frames", _location),
    )


def _moment(fields: Fields) -> Moment:
    what = fields.text("2")
    try:
        kind = What(what)
    except ValueError:
        raise DecodeError(f"there is no kind of moment {what!r}") from None
    return Moment(fields.number("0"), fields.text("1"), kind, fields.text("3"), fields.maybe("4", fields.count))
