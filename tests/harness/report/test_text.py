"""Text made safe and measured."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.report.text import columns, cut, pad, printable, wrap


def test_what_cannot_be_printed_becomes_an_escape() -> None:
    assert printable("a\tb\x1b[0m\n\udc80\u202e é 日") == r"a\tb\x1b[0m\n\udc80\u202e é 日"


def test_wide_characters_take_two_columns_and_combining_ones_none() -> None:
    assert columns("日本") == 4
    assert columns("e\u0301") == 1


def test_a_cut_text_says_so() -> None:
    assert cut("one two three", 13) == "one two three"
    assert cut("one two three", 10) == "one two..."


def test_padding_counts_columns() -> None:
    assert pad("日", 4) == "日  "


def test_lines_break_between_words() -> None:
    assert wrap("one two three four", 9, lines=9) == ["one two", "three", "four"]


def test_a_word_without_end_is_broken_anywhere() -> None:
    assert wrap("a" * 25, 10, lines=9) == ["a" * 10, "a" * 10, "a" * 5]


def test_what_is_too_long_for_all_lines_is_cut() -> None:
    assert wrap("one two three four", 9, lines=2) == ["one two", "three..."]


@given(st.text(), st.integers(4, 40), st.integers(1, 5))
def test_no_line_is_wider_than_asked(text: str, width: int, lines: int) -> None:
    wrapped = wrap(printable(text), width, lines=lines)
    assert len(wrapped) <= lines
    assert all(columns(line) <= width for line in wrapped)
