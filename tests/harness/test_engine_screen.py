"""What a terminal shows is found wherever it is cut, once, and no more of it is kept than a megabyte."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from harness.engine.actors.screen import Over, Screen, Shown

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def screen() -> Iterator[Screen]:
    descriptor = os.open("/dev/null", os.O_RDONLY)
    yield Screen(descriptor)
    os.close(descriptor)


def test_a_text_is_found_where_two_reads_have_cut_it(screen: Screen) -> None:
    screen.feed(b"welcome\r\nlog")
    assert screen.find("login: ") is None
    screen.feed(b"in: ")
    assert screen.find("login: ") == Shown("login: ")


def test_what_was_found_is_not_found_again(screen: Screen) -> None:
    screen.feed(b"> one> two")
    assert screen.find("> ") == Shown("> ")
    assert screen.find(re.compile("> (tw.)")) == Shown("> two", "two")
    assert screen.find("> ") is None


def test_looking_in_vain_takes_nothing_away(screen: Screen) -> None:
    screen.feed(b"one ")
    assert screen.find("three") is None
    screen.feed(b"two\r\n")
    assert screen.find("three") is None
    assert screen.unread == "one two\r\n"
    assert screen.next_line() == Shown("one two")
    assert screen.unread == ""


def test_a_line_is_whole_at_its_end_only(screen: Screen) -> None:
    screen.feed(b"one")
    assert screen.next_line() is None
    screen.feed(b"\n\r\n")
    assert [screen.next_line(), screen.next_line(), screen.next_line()] == [Shown("one"), Shown(""), None]


def test_a_character_that_two_reads_have_cut_is_whole(screen: Screen) -> None:
    euro = "€".encode()
    screen.feed(euro[:1])
    screen.feed(euro[1:] + b"\xff.")
    assert screen.find("€\\xff.") == Shown("€\\xff.")


def test_at_the_end_what_was_not_looked_for_is_told(screen: Screen) -> None:
    screen.feed(b"last words")
    screen.is_over = True
    assert screen.find("words") == Shown("words")
    assert screen.find("more") == Over("")
    screen.feed(b"and some")
    assert screen.next_line() == Over("and some")


def test_a_group_that_took_no_part_gives_nothing(screen: Screen) -> None:
    screen.feed(b"ab")
    assert screen.find(re.compile("a(x)?")) == Shown("a", None)


def test_what_nobody_reads_is_kept_up_to_a_megabyte(screen: Screen) -> None:
    megabyte = 1024 * 1024
    screen.feed(b"first" + b"x" * megabyte)
    assert (screen.lost, len(screen.unread)) == (5, megabyte)
    assert screen.find("never") is None
    screen.feed(b"behind")
    assert screen.lost == 11
    assert screen.find("first") == Shown("first")
    screen.feed(b"again")
    assert screen.find("again") == Shown("again")
