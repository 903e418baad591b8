"""What single values are: the core schema of YAML 1.2, spans of time, references."""

from __future__ import annotations

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.load import scalars
from harness.load.codes import Code
from harness.load.nodes import ScalarNode
from harness.load.notes import INVALID, Notes
from harness.model.source import Location
from harness.model.values import Duration, Name, Pattern, Reference, SignalName, Text

patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Machines that do much else are slow at times."""


def plain(text: str) -> ScalarNode:
    return ScalarNode(text, plain=True, file="f", line=1, column=1, verbatim=True)


def quoted(text: str) -> ScalarNode:
    return ScalarNode(text, plain=False, file="f", line=1, column=1, verbatim=True)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("NULL", None),
        ("nUll", "nUll"),
        ("true", True),
        ("True", True),
        ("TRUE", True),
        ("false", False),
        ("yes", "yes"),
        ("on", "on"),
        ("0", 0),
        ("-17", -17),
        ("+17", 17),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("-0x1F", "-0x1F"),
        ("0b1", "0b1"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("2026-01-01", "2026-01-01"),
        ("1.20", 1.2),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("-1.5E-2", -0.015),
        (".", "."),
        ("-", "-"),
        ("+", "+"),
        ("-.inf", -math.inf),
        (".Inf", math.inf),
        ("\u0661", "\u0661"),
        ("9" * 301, "9" * 301),
    ],
)
def test_plain_text_is_resolved_by_the_core_schema(text: str, value: object) -> None:
    resolved = scalars.resolve(plain(text))
    assert (type(resolved), resolved) == (type(value), value)


def test_not_a_number_is_resolved() -> None:
    value = scalars.resolve(plain(".nan"))
    assert isinstance(value, float)
    assert math.isnan(value)


@patient
@given(st.text())
def test_quoted_text_is_text(text: str) -> None:
    assert scalars.resolve(quoted(text)) == text


@patient
@given(st.text())
def test_any_plain_text_is_something(text: str) -> None:
    assert isinstance(scalars.resolve(plain(text)), str | int | float | None)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("250ms", 0.25), ("2s", 2.0), ("1.5s", 1.5), ("1m", 60.0), ("2h", 7200.0), ("0s", 0.0)],
)
def test_a_span_of_time_has_a_unit(text: str, seconds: float) -> None:
    assert scalars.read_duration(plain(text)) == Duration(seconds)


@pytest.mark.parametrize(
    "text", ["2", "2 s", "s", "-2s", "2S", "1e3s", ".5s", "2sec", "1m30s", "\u0662s", "9" * 400 + "s"]
)
def test_what_is_no_span_of_time(text: str) -> None:
    assert scalars.read_duration(plain(text)) is INVALID


@pytest.mark.parametrize("text", ["1e999", ".inf", ".nan", "x", "true"])
def test_what_is_no_number(text: str) -> None:
    assert scalars.read_number(plain(text)) is INVALID


@pytest.mark.parametrize("text", ["1.0", "true", "x", ""])
def test_what_is_no_whole_number(text: str) -> None:
    assert scalars.read_integer(plain(text)) is INVALID


def parts_of(node: ScalarNode) -> tuple[str | Reference, ...]:
    notes = Notes()
    text = scalars.parse_text(node, notes)
    assert notes.problems == []
    assert isinstance(text, Text)
    return text.parts


def at(column: int) -> Location:
    return Location("f", 1, column)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ("",)),
        ("plain", ("plain",)),
        ("$$", ("$",)),
        ("a$$b", ("a$b",)),
        ("${a}", (Reference(("a",), at(1)),)),
        ("${a.b-c.0}", (Reference(("a", "b-c", "0"), at(1)),)),
        ("x${a}y${b}", ("x", Reference(("a",), at(2)), "y", Reference(("b",), at(7)))),
        ("$${a}", ("${a}",)),
        ("$$${a}", ("$", Reference(("a",), at(3)))),
        ("${a:-b c}", (Reference(("a",), at(1), "b c"),)),
        ("${a:-}", (Reference(("a",), at(1), ""),)),
    ],
)
def test_text_is_taken_apart_at_its_references(text: str, parts: tuple[str | Reference, ...]) -> None:
    assert parts_of(plain(text)) == parts


def test_a_reference_between_quotes_is_found_behind_the_quote() -> None:
    assert parts_of(quoted("${a}")) == (Reference(("a",), at(2)),)


def test_a_reference_whose_place_is_not_known_stands_where_the_text_begins() -> None:
    node = ScalarNode("x ${a}", plain=False, file="f", line=1, column=1)
    assert parts_of(node) == ("x ", Reference(("a",), at(1)))


@pytest.mark.parametrize(
    "text", ["$", "$a", "a $", "${", "${}", "${ a}", "${a b}", "${a..b}", "${.a}", "${1}", "${a-}}{$"]
)
def test_what_looks_like_a_reference_and_is_none_is_refused(text: str) -> None:
    notes = Notes()
    assert scalars.parse_text(plain(text), notes) is INVALID
    assert {problem.code for problem in notes.problems} == {Code.BAD_REFERENCE}


@patient
@given(st.text(alphabet="ab.$ {}:-${a}"))
def test_any_text_is_taken_apart_or_refused(text: str) -> None:
    notes = Notes()
    assert (scalars.parse_text(plain(text), notes) is INVALID) is bool(notes.problems)


@patient
@given(st.text())
def test_dollars_written_twice_give_the_text_back(text: str) -> None:
    assert "".join(str(part) for part in parts_of(quoted(text.replace("$", "$$")))) == text


@pytest.mark.parametrize(("text", "path"), [("d", ("d",)), ("before.children.0", ("before", "children", "0"))])
def test_a_name_may_be_a_path(text: str, path: tuple[str, ...]) -> None:
    assert scalars.parse_name(plain(text), Notes()) == Name(path, at(1))


@pytest.mark.parametrize("text", ["", "1d", "a b", "a.", ".a", "${d}", "a/b", "é"])
def test_what_is_no_name(text: str) -> None:
    assert scalars.parse_name(plain(text), Notes()) is INVALID


def test_a_signal_is_named_without_its_prefix() -> None:
    assert scalars.parse_signal(plain("KILL"), Notes()) == SignalName("KILL")
    assert scalars.parse_signal(plain("SIGKILL"), Notes()) is INVALID
    assert scalars.parse_signal(plain("9"), Notes()) is INVALID


@pytest.mark.parametrize("source", ["a", "^ok [0-9]+$", "x|y", r"\$"])
def test_a_pattern_that_says_something_is_kept(source: str) -> None:
    assert scalars.parse_pattern(plain(source), Notes()) == Pattern(source)


@pytest.mark.parametrize(
    "source",
    [
        "",
        ".*",
        "a*",
        "^",
        "$",
        "a|",
        "(",
        "[",
        "a{2,1}",
        "(" * 900,
        "[[a]",
        r"\q",
        "(?P<x>a)(?P<x>b)",
        "a{99999999999}",
    ],
)
def test_a_pattern_that_is_none_or_matches_everything_is_refused(source: str) -> None:
    notes = Notes()
    assert scalars.parse_pattern(quoted(source), notes) is INVALID
    assert [problem.code for problem in notes.problems] == [Code.BAD_PATTERN]


@patient
@given(st.text(max_size=30) | st.text(alphabet="ab()[]{}*+?|^$\\.0123456789,-", max_size=30))
def test_any_pattern_is_kept_or_refused(source: str) -> None:
    notes = Notes()
    kept = scalars.parse_pattern(quoted(source), notes)
    assert (kept is INVALID) is bool(notes.problems)
