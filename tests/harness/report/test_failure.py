"""The failure block: what it shows, and what it never does."""

from __future__ import annotations

import dataclasses
import shlex
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.model.outcome import Failure, Outcome, Verdict
from harness.model.source import Location
from harness.model.timeline import Moment, What
from harness.report.failure import LINES, command_again, failure_block
from harness.report.run import Header, Implementation, Machine, Result
from harness.report.text import columns

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.report.run import Run


def text_of(result: Result, header: Header, width: int = 120) -> str:
    return "".join(f"{line.text}\n" for line in failure_block(result, header, width=width))


def with_failure(result: Result, **changes: object) -> Result:
    assert result.outcome.failure is not None
    failure = dataclasses.replace(result.outcome.failure, **changes)  # type: ignore[arg-type]  # a test's shorthand
    return dataclasses.replace(result, outcome=dataclasses.replace(result.outcome, failure=failure))


def test_a_failure_reads_as_the_language_shows_it(
    lossless: Result, header: Header, golden: Callable[[str, str], None]
) -> None:
    golden("failure.txt", text_of(lossless, header))


def test_a_narrow_terminal_cuts_what_nobody_copies(
    lossless: Result, header: Header, golden: Callable[[str, str], None]
) -> None:
    golden("failure-80.txt", text_of(lossless, header, width=80))


def test_every_red_verdict_has_the_same_shape(
    whole_run: Run, header: Header, golden: Callable[[str, str], None]
) -> None:
    red = [result for result in whole_run.results if result.outcome.verdict.is_red]
    golden("every-red-verdict.txt", "\n".join(text_of(result, header) for result in red))


def test_the_caret_stands_under_the_column_behind_wide_characters_and_tabs(lossless: Result, header: Header) -> None:
    source = "\t- talk: 日本"
    place = Location("a.yaml", 3, source.index("本") + 1)
    _, _, line, caret, *_ = text_of(
        dataclasses.replace(with_failure(lossless, location=place), source=source), header
    ).splitlines()
    assert columns(line[: line.index("本")]) == columns(caret[: caret.index("^")])


def test_a_message_without_room_beside_the_caret_stands_below_it(
    lossless: Result, header: Header, golden: Callable[[str, str], None]
) -> None:
    source = "  - eventually: {of: load, since: a_mark_with_a_long_name, done: {at_least: 200}}"
    result = dataclasses.replace(
        with_failure(lossless, location=Location("a.yaml", 12, source.index("done") + 1)), source=source
    )
    golden("failure-far-right.txt", text_of(result, header, width=80))


def test_a_very_long_line_is_shown_around_the_column(lossless: Result, header: Header) -> None:
    source = "x" * 500 + " here " + "y" * 500
    lines = text_of(
        dataclasses.replace(with_failure(lossless, location=Location("a.yaml", 1, 502)), source=source), header
    ).splitlines()
    assert lines[2][lines[3].index("^") :].startswith("here")
    assert columns(lines[2]) <= 120


def test_without_the_source_line_the_message_stands_alone(lossless: Result, header: Header) -> None:
    lines = text_of(dataclasses.replace(lossless, source=None), header).splitlines()
    assert lines[2].strip().startswith("1 of 412 operations failed")


def test_what_an_implementation_writes_cannot_steer_the_terminal(lossless: Result, header: Header) -> None:
    evil = Moment(0.53, "d", What.LOG, "\x1b[2J\rPASS \udcff\u202e\u2028")
    outcome = dataclasses.replace(lossless.outcome, timeline=(*lossless.outcome.timeline[:5], evil))
    block = text_of(with_failure(dataclasses.replace(lossless, outcome=outcome), moment=5), header)
    assert r"\x1b[2J\rPASS \udcff\u202e\u2028" in block
    assert all(line.isprintable() for line in block.splitlines())


def test_without_a_mark_times_count_from_the_start(lossless: Result, header: Header) -> None:
    block = text_of(with_failure(lossless, since=None), header)
    assert "\n       t   actor" in block
    assert "+0.538   load#3" in block


def test_a_moment_next_to_the_mark_is_not_said_to_be_before_it(lossless: Result, header: Header) -> None:
    almost = Moment(0.4999, "d", What.LOG, "just before")
    outcome = dataclasses.replace(lossless.outcome, timeline=(almost, *lossless.outcome.timeline[3:]))
    assert "  +0.000   d log     just before" in text_of(
        with_failure(dataclasses.replace(lossless, outcome=outcome), moment=3), header
    )


def test_the_command_runs_this_item_of_this_implementation_in_the_same_way(lossless: Result, header: Header) -> None:
    header = dataclasses.replace(
        header, implementations=(Implementation("riser", "1", "my dir/riser.yaml"),), time_scale=2.5
    )
    assert shlex.split(command_again(lossless.outcome, header)) == [
        "harness", "run", "scenarios/restart/lossless.yaml", "--only", "lossless[tcp,2]",
        "--implementation", "my dir/riser.yaml", "--time-scale", "2.5", "--keep",
    ]  # fmt: skip


def test_more_clauses_than_fit_are_counted(lossless: Result, header: Header) -> None:
    clauses = tuple(f"restart.clause.number.{number}" for number in range(8))
    title = text_of(
        dataclasses.replace(lossless, outcome=dataclasses.replace(lossless.outcome, clauses=clauses)), header
    ).splitlines()[0]
    assert title.endswith(" and 6 more   implementation riser 0.1.0")
    assert columns(title) <= 120


def test_clauses_of_one_level_share_its_mention(lossless: Result, header: Header) -> None:
    clauses = ("restart.graceful", "restart.lossless", "restart.coalesce", "of.another.suite")
    outcome = dataclasses.replace(lossless.outcome, clauses=clauses)
    title = text_of(dataclasses.replace(lossless, outcome=outcome), header, width=200).splitlines()[0]
    assert "  restart.graceful, restart.lossless (must), restart.coalesce (should), of.another.suite   " in title


@pytest.mark.parametrize("length", [51, 52, 53, 500])
def test_the_end_of_a_long_line_can_be_pointed_at(lossless: Result, header: Header, length: int) -> None:
    assert lossless.outcome.failure is not None
    failure = dataclasses.replace(lossless.outcome.failure, location=Location("f", 1, length + 1))
    result = Result(dataclasses.replace(lossless.outcome, failure=failure), "x" * length)
    source, caret = text_of(result, header, width=60).splitlines()[2:4]
    assert source.endswith("x")
    assert caret == " " * 6 + "|" + " " * (len(source) - 7) + "^"
    assert len(caret) <= 60


ANY_TEXT = st.text(st.characters(), max_size=200)


@settings(deadline=None)
@given(data=st.data(), width=st.integers(60, 200), source=st.none() | ANY_TEXT, message=ANY_TEXT)
def test_no_block_is_longer_than_a_screen_or_wider_than_asked(
    data: st.DataObject, width: int, source: str | None, message: str
) -> None:
    moments = data.draw(
        st.lists(
            st.builds(
                Moment, st.floats(0, 1000), st.sampled_from(["d", "load#1", "日本"]), st.sampled_from(What), ANY_TEXT
            ),
            max_size=60,
        )
    )
    moment = data.draw(st.none() | st.integers(0, len(moments) - 1)) if moments else None
    column = data.draw(st.integers(1, 1 + len(source or "")))
    header = Header("0", "s", "h", (Implementation("i", "1"),), 1, Machine("3", "L", 1), 1.0, "now")
    outcome = Outcome(
        "a/b", "", (), "i", Verdict.FAILED, Location("f", 1, 1), timeline=tuple(sorted(moments, key=lambda m: m.at)),
        failure=Failure(Location("f", 1, column), message, moment, "m"), marks=(("m", 1.0),),
    )  # fmt: skip
    block = failure_block(Result(outcome, source), header, width=width)
    assert len(block) <= LINES
    assert all(line.text.isprintable() for line in block)
    assert all(columns(line.text) <= width for line in block)


@pytest.mark.parametrize("width", [1, 20])
def test_a_terminal_of_next_to_no_width_is_given_a_readable_block(lossless: Result, header: Header, width: int) -> None:
    assert text_of(lossless, header, width=width) == text_of(lossless, header, width=60)
