"""Streams cut into lines, whatever the pieces they come in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.engine.actors.lines import LONGEST_LINE, Line, LineCutter, LineEnd


def cut(*pieces: bytes) -> list[Line]:
    cutter = LineCutter()
    lines = [line for piece in pieces for line in cutter.feed(piece)]
    last = cutter.finish()
    return lines if last is None else [*lines, last]


def test_a_line_ends_at_its_newline_and_nowhere_else() -> None:
    assert cut(b"one\ntwo\r\n\n") == [Line("one"), Line("two\r"), Line("")]


def test_what_has_no_newline_is_kept_until_it_has() -> None:
    cutter = LineCutter()
    assert cutter.feed(b"on") == []
    assert cutter.partial == "on"
    assert cutter.feed(b"e\n") == [Line("one")]
    assert cutter.partial == ""


def test_the_end_of_the_stream_gives_what_was_left_and_says_so() -> None:
    assert cut(b"one\ntw") == [Line("one"), Line("tw", LineEnd.STREAM_END)]


def test_bytes_that_are_no_text_stay_visible() -> None:
    assert cut(b"a\xff\x00\n") == [Line("a\\xff\x00")]


def test_the_longest_line_is_taken_whole() -> None:
    assert cut(b"x" * LONGEST_LINE + b"\n") == [Line("x" * LONGEST_LINE)]


def test_a_longer_line_is_cut_once_and_its_rest_is_dropped() -> None:
    lines = cut(b"x" * LONGEST_LINE, b"x", b"y" * 3 * LONGEST_LINE, b"z\nnext\n")
    assert lines == [Line("x" * LONGEST_LINE, LineEnd.TOO_LONG), Line("next")]


streams = st.lists(
    st.sampled_from([b"", b"a", b"\n", b"bc\nd", b"\xc3\xa9", b"\xff", b"x" * (LONGEST_LINE - 1)]), max_size=8
)


@given(streams, st.data())
def test_the_pieces_that_a_stream_comes_in_do_not_matter(parts: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(parts)
    at = data.draw(st.integers(0, len(stream)))
    assert cut(stream[:at], stream[at:]) == cut(stream)


@given(streams)
def test_nothing_is_lost_but_what_is_too_long(parts: list[bytes]) -> None:
    stream = b"".join(parts)
    expected = stream.split(b"\n")
    lines = cut(stream)
    assert len(lines) == len(expected) - (expected[-1] == b"")
    for line, raw in zip(lines, expected, strict=False):
        assert line.text == raw[:LONGEST_LINE].decode(errors="backslashreplace")
