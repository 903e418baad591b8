"""Which moments are chosen to explain a failure."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.model.timeline import Moment, What
from harness.report.excerpt import Gap, Row, Shown, excerpt


def note(at: int, text: str = "", *, actor: str = "d", what: What = What.NOTE) -> Moment:
    return Moment(at / 10, actor, what, text or "abcdefghijklmnopqrstuvwxyz"[at % 26])


def indices(rows: tuple[Row, ...]) -> list[int]:
    return [row.index for row in rows if isinstance(row, Shown)]


def test_a_short_timeline_is_shown_whole() -> None:
    assert indices(excerpt([note(at) for at in range(5)], decisive=2, anchor=None, rows=14)) == [0, 1, 2, 3, 4]


def test_of_a_long_one_what_came_just_before_and_a_little_of_what_came_after() -> None:
    assert indices(excerpt([note(at) for at in range(26)], decisive=15, anchor=None, rows=8)) == list(range(11, 19))


def test_the_moment_that_times_count_from_is_shown_however_far_back() -> None:
    rows = excerpt([note(at) for at in range(26)], decisive=20, anchor=2, rows=8)
    assert indices(rows)[0] == 2
    assert rows[1] == Gap(15)
    assert len(rows) == 8


def test_what_a_process_last_wrote_is_shown_however_much_happened_since() -> None:
    log = [note(at, what=What.LOG) for at in range(6)]
    rows = excerpt([*log, *(note(at) for at in range(6, 26))], decisive=24, anchor=None, rows=12)
    assert indices(rows)[:4] == [3, 4, 5, 18]


def test_moments_that_differ_only_in_numbers_are_shown_twice_and_counted() -> None:
    requests = [note(at, f"ok {at}", actor=f"load#{at % 8}") for at in range(1, 200)]
    rows = excerpt([note(0), *requests, note(200, "refused")], decisive=200, anchor=None, rows=14)
    assert indices(rows) == [0, 198, 199, 200]
    assert rows[1] == Shown(198, requests[197], alike=197)


def test_there_may_be_nothing_to_show() -> None:
    assert excerpt([], decisive=0, anchor=None, rows=14) == ()
    assert excerpt([note(1)], decisive=0, anchor=None, rows=0) == ()


MOMENTS = st.lists(st.builds(note, st.integers(0, 9), st.sampled_from(["x", "y 1", "y 2"]), what=st.sampled_from(What)))


@given(st.data(), MOMENTS.filter(bool), st.integers(4, 20))
def test_every_excerpt_fits_in_order_and_shows_what_it_must(
    data: st.DataObject, moments: list[Moment], rows: int
) -> None:
    place = st.integers(0, len(moments) - 1)
    decisive, anchor = data.draw(place), data.draw(st.none() | place)
    shown = excerpt(moments, decisive=decisive, anchor=anchor, rows=rows)
    assert len(shown) <= rows
    assert {decisive} if anchor is None else {decisive, anchor} <= set(indices(shown))
    assert indices(shown) == sorted(set(indices(shown)))
    first, last = indices(shown)[0], indices(shown)[-1]
    hidden = sum(row.moments if isinstance(row, Gap) else row.alike for row in shown)
    assert len(indices(shown)) + hidden == last - first + 1
