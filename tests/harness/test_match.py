"""Every matcher, what it takes, what it refuses, and in which words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.engine.lookup import Given, Scope, UnpublishedError
from harness.engine.match import check, describe, location_of, same
from harness.engine.shown import TEXT_LIMIT, contrast, show
from harness.engine.timeline import Mark
from harness.engine.verdicts import StepFailedError
from harness.model.matchers import (
    OPERATORS,
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
from harness.model.source import Location
from harness.model.values import Duration, Name, Pattern, Reference, Scalar, Text

if TYPE_CHECKING:
    from collections.abc import Mapping

HERE = Location("a.yaml", 1, 1)
TREE = {"daemon": 10, "server": 11, "children": [12, 13], "all": [10, 11, 12, 13], "generation": 1}


class Published:
    def __init__(self, fields: Mapping[str, object]) -> None:
        self.fields = fields

    def published(self, name: str) -> object:
        if name not in self.fields:
            raise UnpublishedError(f"it has no {name}")
        return self.fields[name]


def a_scope() -> Scope:
    scope = Scope({"d": Published({"pid": 10, "address": "127.0.0.1:40127"})}, {"workspace": "/tmp/w"})
    mark = Mark(0, 0.0)
    scope.give("before", Given(mark, fields=TREE, whole=TREE))
    scope.give("first", Given(mark, fields={"text": "ok 10", "value": "10"}, whole="ok 10"))
    return scope


SCOPE = a_scope()


def text(*parts: str | Reference) -> Text:
    return Text(parts, HERE)


def ref(path: str) -> Reference:
    return Reference(tuple(path.split(".")), HERE)


def name(path: str) -> Name:
    return Name(tuple(path.split(".")), HERE)


def scalar(written: str, value: object = ...) -> Scalar:
    given = written if value is ... else value
    assert given is None or isinstance(given, (str, int, float, bool))
    return Scalar(text(written), given)


def equals(written: str, value: object = ...) -> Equals:
    return Equals(scalar(written, value))


MATCHING: list[tuple[Matcher, object]] = [
    (equals("ok one"), "ok one"),
    (equals("1.20", 1.2), "1.20"),
    (equals("yes"), "yes"),
    (equals("true", True), "true"),
    (equals("3", 3), 3),
    (equals("3", 3), 3.0),
    (equals("0x10", 16), 16),
    (equals("true", True), True),
    (equals("null", None), None),
    (Equals(Scalar(text("ok ", ref("d.pid")), "ok ${d.pid}")), "ok 10"),
    (Equals(Scalar(text(ref("d.pid")), "${d.pid}")), 10),
    (Equals(Scalar(text(ref("first.value")), "${first.value}")), 10),
    (Equals(Scalar(text(ref("d.pid")), "${d.pid}")), "10"),
    (Contains(text("one")), "ok one two"),
    (Contains(text(ref("d.address"))), "open server socket 127.0.0.1:40127"),
    (Contains(text(ref("d.pid"))), [9, 10]),
    (Contains(text("preprocess")), ["before_start", "preprocess"]),
    (StartsWith(text("ok")), "ok one"),
    (StartsWith(text("1")), 127),
    (Matches(Pattern(r"^ok \d+$")), "ok 127"),
    (Matches(Pattern(r"(?m)^two")), "one\ntwo"),
    (OneOf((scalar("graceful"), scalar("forced"))), "forced"),
    (OneOf((scalar("1", 1), scalar("2", 2))), 2),
    (AtLeast(3), 3),
    (AtMost(3), 3),
    (Over(3), 3.5),
    (Under(3), 2),
    (AtLeast(3), "3"),
    (Under(Duration(0.25)), Duration(0.2)),
    (Over(Duration(1)), 1.5),
    (Length(equals("2", 2)), [1, 2]),
    (Length(AtLeast(3)), "four"),
    (Each(AtLeast(1)), [1, 2]),
    (Distinct(True), [1, 2]),
    (Distinct(True), []),
    (Distinct(False), [1, 2, 1]),
    (Not(equals("two")), "one"),
    (Not(Not(equals("two"))), "two"),
    (SameAs(name("before.server")), 11),
    (SameAs(name("before.children")), [13, 12]),
    (SameAs(name("first")), "ok 10"),
    (SameAs(name("first.value")), 10),
    (NotIn(name("before")), 14),
    (NotIn(name("before")), [14, 15]),
    (NotIn(name("before.server")), [12]),
    (Fields((("state", equals("forced")), ("pid", AtLeast(1)))), {"state": "forced", "pid": 3, "more": None}),
    (Keys(("state", "pid")), {"state": "forced", "pid": 3}),
    (Keys(()), {}),
    (All((AtLeast(1), AtMost(2))), 2),
]

REFUSING: list[tuple[Matcher, object, str]] = [
    (equals("ok one"), "ok two", "got 'ok two', expected 'ok one'"),
    (equals("ok one"), "ok one ", "got 'ok one ', expected 'ok one'"),
    (equals("ok one"), "ok one\r", r"got 'ok one\r', expected 'ok one'"),
    (equals("1.2", 1.2), "1.20", "got '1.20', expected '1.2'"),
    (equals("yes"), True, "got true, expected 'yes'"),
    (equals("1", 1), True, "got true, expected 1"),
    (equals("3"), 3, "got 3, expected '3'"),
    (equals("0", 0), 1, "got 1, expected 0"),
    (equals("0", 0), None, "got null, expected 0"),
    (equals("1", 1), [1], "got [1], expected 1"),
    (Equals(Scalar(text("ok ", ref("d.pid")), "ok ${d.pid}")), "ok 9", "got 'ok 9', expected 'ok 10'"),
    (Equals(Scalar(text(ref("d.pid")), "${d.pid}")), 9, "got 9, expected 10"),
    (Contains(text("three")), "one two", "got 'one two', expected 'three' in it"),
    (Contains(text("3")), [1, 2], "got [1, 2], expected '3' in it"),
    (Contains(text("x")), None, "got null, expected 'x' in it"),
    (StartsWith(text("ok")), "error no", "got 'error no', expected 'ok' at its start"),
    (Matches(Pattern(r"^ok \d+$")), "ok x", r"got 'ok x', expected a match of /^ok \d+$/"),
    (OneOf((scalar("graceful"), scalar("2", 2))), "x", "got 'x', expected one of 'graceful', 2"),
    (AtLeast(50), 49, "got 49, expected at least 50"),
    (AtMost(2), 3, "got 3, expected at most 2"),
    (Over(2), 2, "got 2, expected over 2"),
    (Under(2), 2, "got 2, expected under 2"),
    (AtLeast(2), "two", "got 'two', expected at least 2"),
    (AtLeast(2), True, "got true, expected at least 2"),
    (AtLeast(2), Duration(3), "got 3s, expected at least 2"),
    (Under(Duration(0.25)), Duration(0.312), "got 312ms, expected under 250ms"),
    (AtLeast(Duration(1)), Duration(0.5), "got 500ms, expected at least 1s"),
    (Length(equals("2", 2)), [1], "length of [1]: got 1, expected 2"),
    (Length(equals("2", 2)), 7, "got 7, expected something with a length"),
    (Each(AtLeast(2)), [2, 1], "element 1: got 1, expected at least 2"),
    (Each(AtLeast(2)), [], "got an empty list, expected one element at least, each at least 2"),
    (Each(AtLeast(2)), "22", "got '22', expected a list"),
    (Distinct(True), [1, 2, 1], "got [1, 2, 1], expected elements that all differ"),
    (Distinct(True), "x", "got 'x', expected a list"),
    (Keys(("a", "b")), {"b": 1, "a": 2}, "got the keys b, a, expected the keys a, b in this order"),
    (
        Keys(("a", "b")),
        {"a": 2, "c": 1},
        "got no b and c beside the expected ones, expected the keys a, b in this order",
    ),
    (Keys(("a",)), {"a": 2, "c": 1}, "got c beside the expected ones, expected the keys a in this order"),
    (Keys(("a",)), ["a"], "got ['a'], expected the keys a in this order"),
    (Distinct(False), [1, 2], "got [1, 2], expected some elements that are the same"),
    (Not(equals("one")), "one", "got 'one', expected not 'one'"),
    (Not(SameAs(name("first"))), "ok 10", "got 'ok 10', expected not the same as first ('ok 10')"),
    (SameAs(name("before.server")), 12, "got 12, expected the same as before.server (11)"),
    (SameAs(name("before.children")), [12, 12], "got [12, 12], expected the same as before.children ([12, 13])"),
    (NotIn(name("before")), 12, "got 12, expected none of before (10, 11, 12, 13)"),
    (NotIn(name("before.children")), [9, 12], "got 12 in [9, 12], expected none of before.children (12, 13)"),
    (Fields((("state", equals("forced")),)), {"state": "graceful"}, "state: got 'graceful', expected 'forced'"),
    (Fields((("state", equals("forced")),)), {"pid": 3}, "got no state in {pid: 3}, expected 'forced'"),
    (Fields((("state", equals("forced")),)), "x", "got 'x', expected fields"),
    (All((AtLeast(1), AtMost(2))), 3, "got 3, expected at most 2"),
]


@pytest.mark.parametrize(("matcher", "actual"), MATCHING)
def test_a_matcher_takes_what_it_stands_for(matcher: Matcher, actual: object) -> None:
    assert check(matcher, actual, SCOPE) is None


@pytest.mark.parametrize(("matcher", "actual", "sentence"), REFUSING)
def test_a_matcher_says_what_it_got_and_what_it_expected(matcher: Matcher, actual: object, sentence: str) -> None:
    assert check(matcher, actual, SCOPE) == sentence


def test_every_operator_of_the_language_is_tried_both_ways() -> None:
    operators = {*OPERATORS.values(), All}
    assert {type(matcher) for matcher, _ in MATCHING} == operators
    assert {type(matcher) for matcher, _, _ in REFUSING} == operators


@pytest.mark.parametrize(
    "matcher", [SameAs(name("gone")), NotIn(name("gone")), Equals(Scalar(text(ref("gone.x")), "${gone.x}"))]
)
def test_what_is_not_published_yet_fails_at_its_place(matcher: Matcher) -> None:
    with pytest.raises(StepFailedError, match="there is no gone") as caught:
        check(matcher, "x", SCOPE)
    assert caught.value.location == HERE


def test_an_upper_bound_in_time_is_stretched_and_the_message_says_so() -> None:
    assert check(Under(Duration(0.25)), Duration(0.4), SCOPE, scale=2) is None
    assert (
        check(Under(Duration(0.25)), Duration(0.6), SCOPE, scale=2)
        == "got 600ms, expected under 500ms (250ms asked, time scale 2)"
    )


def test_a_lower_bound_in_time_is_not_stretched() -> None:
    assert check(AtLeast(Duration(1)), Duration(1), SCOPE, scale=5) is None
    assert check(Over(Duration(1)), Duration(1), SCOPE, scale=0.1) == "got 1s, expected over 1s"


def test_not_turns_a_bound_round() -> None:
    assert check(Not(Under(Duration(1))), Duration(1), SCOPE, scale=5) is None
    assert check(Not(AtLeast(Duration(1))), Duration(2), SCOPE, scale=5) is None
    assert check(Not(Not(Under(Duration(1)))), Duration(2), SCOPE, scale=5) is None


def test_a_number_is_not_stretched() -> None:
    assert check(Under(3), 4, SCOPE, scale=5) == "got 4, expected under 3"


def test_what_a_matcher_asks_for_can_stand_in_another_sentence() -> None:
    assert describe(All((Contains(text("x")), Length(AtLeast(3)))), SCOPE) == "'x' in it and a length of at least 3"
    assert describe(Fields((("state", equals("forced")),)), SCOPE) == "state 'forced'"


@pytest.mark.parametrize(
    ("matcher", "location"),
    [
        (equals("x"), HERE),
        (Contains(text("x")), HERE),
        (SameAs(name("before")), HERE),
        (Not(NotIn(name("before"))), HERE),
        (AtLeast(1), None),
    ],
)
def test_a_matcher_knows_its_place_where_it_keeps_one(matcher: Matcher, location: Location | None) -> None:
    assert location_of(matcher) == location


@pytest.mark.parametrize(
    ("matcher", "words"),
    [
        (Each(AtLeast(1)), "elements that are each at least 1"),
        (StartsWith(text("x")), "'x' at its start"),
        (Not(Over(Duration(1))), "not over 1s"),
        (Over(Duration(1)), "over 1s"),
        (Keys(("a", "b")), "the keys a, b in this order"),
        (NotIn(name("before.children")), "none of before.children (12, 13)"),
    ],
)
def test_each_matcher_has_its_words(matcher: Matcher, words: str) -> None:
    assert describe(matcher, SCOPE) == words


bounds = st.one_of(
    *(st.builds(kind, st.builds(Duration, st.floats(0, 10))) for kind in (AtLeast, AtMost, Under, Over)),
    *(st.builds(kind, st.integers(0, 10)) for kind in (AtLeast, AtMost, Under, Over)),
)
timely = st.recursive(
    bounds, lambda inner: st.builds(Not, inner) | st.builds(All, st.lists(inner, min_size=1, max_size=3).map(tuple))
)


@given(timely, st.builds(Duration, st.floats(0, 20)), st.floats(1, 10))
def test_a_larger_time_scale_never_makes_a_failure(matcher: Matcher, actual: Duration, scale: float) -> None:
    if check(matcher, actual, SCOPE) is None:
        assert check(matcher, actual, SCOPE, scale=scale) is None


@given(timely, st.builds(Duration, st.floats(0, 20)))
def test_not_is_the_opposite(matcher: Matcher, actual: Duration) -> None:
    assert (check(matcher, actual, SCOPE) is None) is (check(Not(matcher), actual, SCOPE) is not None)


@given(st.text(max_size=300), st.text(max_size=300))
def test_text_equals_by_its_characters_alone(actual: str, written: str) -> None:
    assert (check(equals(written), actual, SCOPE) is None) is (actual == written)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=30) | st.dictionaries(st.text(max_size=9), inner, max_size=30),
    max_leaves=60,
)


@given(values)
def test_every_value_is_the_same_as_itself(value: object) -> None:
    assert same(value, value)


@given(st.lists(st.integers() | st.text(max_size=3)).flatmap(lambda one: st.tuples(st.just(one), st.permutations(one))))
def test_the_order_of_a_list_does_not_count(pair: tuple[list[object], list[object]]) -> None:
    assert same(*pair)


@given(values)
def test_a_value_is_shown_on_one_short_line(value: object) -> None:
    assert len(show(value).splitlines()) == 1
    assert len(show(value)) < 1200


@given(st.text(min_size=TEXT_LIMIT + 1, max_size=5000))
def test_a_long_text_is_shown_short_with_its_length(value: str) -> None:
    shown = show(value)
    assert shown.endswith(f"({len(value)} characters)")
    assert len(shown) < 1000


@given(st.text(max_size=300), st.text(max_size=20), st.text(max_size=20))
def test_two_texts_that_differ_are_shown_different(common: str, one: str, other: str) -> None:
    if one != other:
        shown = contrast(common + one, common + other)
        assert shown[0] != shown[1]


def test_two_long_texts_are_shown_where_they_differ() -> None:
    problem = check(equals("x" * 500 + "one" + "y" * 500), "x" * 500 + "two" + "y" * 500, SCOPE)
    assert problem is not None
    got, expected = problem.split(", expected ")
    assert "two" in got
    assert "one" in expected
    assert "from character 477 of 1003" in got
