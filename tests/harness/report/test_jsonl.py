"""JSON lines: what is written is read back the same, and nothing else is taken for a report."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.model.outcome import Failure, Outcome, Verdict
from harness.model.pace import Pace
from harness.model.source import Location
from harness.model.timeline import Moment, What
from harness.report.jsonl import JsonLines, ReportError, read_run
from harness.report.run import Footer, Header, Implementation, Machine, NotRun, Result, Run, StatedClause, replay

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def written(run: Run) -> str:
    stream = io.StringIO()
    replay(run, [JsonLines(stream)])
    return stream.getvalue()


@pytest.fixture
def refusal(tmp_path: Path) -> Callable[[str], str]:
    """What the reader says against a text."""

    def read(text: str) -> str:
        path = tmp_path / "report.jsonl"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ReportError) as refused:
            read_run(path)
        return str(refused.value).removeprefix(str(path))

    return read


def test_a_run_is_read_back_as_it_was(whole_run: Run, tmp_path: Path) -> None:
    path = tmp_path / "report.jsonl"
    path.write_text(written(whole_run), encoding="utf-8")
    assert read_run(path) == whole_run


def test_an_interrupted_run_is_a_whole_report(interrupted_run: Run, tmp_path: Path) -> None:
    path = tmp_path / "report.jsonl"
    path.write_text(written(interrupted_run), encoding="utf-8")
    assert read_run(path) == interrupted_run


def test_each_item_is_one_line_and_can_be_read_before_the_run_ends(whole_run: Run) -> None:
    stream = io.StringIO()
    report = JsonLines(stream)
    report.begin(whole_run.header)
    for number, result in enumerate(whole_run.results, 2):
        report.add(result)
        assert stream.getvalue().count("\n") == number
        assert json.loads(stream.getvalue().splitlines()[-1])["outcome"]["item"] == result.outcome.item


TEXT = st.text(st.characters())
TIME = st.floats(0, 1e6)
LOCATION = st.builds(Location, TEXT, st.integers(1), st.integers(1))
MOMENT = st.builds(Moment, TIME, TEXT, st.sampled_from(What), TEXT, st.none() | st.integers(1))
FAILURE = st.builds(Failure, LOCATION, TEXT, st.just(0), st.none() | TEXT)
OUTCOME = st.builds(
    Outcome, item=TEXT, title=TEXT, clauses=st.lists(TEXT).map(tuple), implementation=st.just("i"),
    verdict=st.sampled_from(Verdict), location=LOCATION, seconds=TIME, failure=st.none() | FAILURE,
    reason=st.none() | TEXT, timeline=st.lists(MOMENT, min_size=1, max_size=3).map(tuple),
    marks=st.lists(st.tuples(TEXT, TIME)).map(tuple), workspace=st.none() | TEXT, needs=st.lists(TEXT).map(tuple),
)  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(result=st.builds(Result, OUTCOME, st.none() | TEXT, st.integers(1), st.none() | OUTCOME))
def test_any_text_and_any_number_survive(tmp_path_factory: pytest.TempPathFactory, result: Result) -> None:
    header = Header(
        "0",
        "s",
        "h",
        (Implementation("i", "1", "x", "python", ("core", "tls")),),
        2,
        Machine("3", "L", 2),
        1.5,
        "now",
        3,
        (StatedClause("a.b", "a", "may", "a does b"),),
        Pace(0.031),
    )
    run = Run(header, (result,), Footer(0.5, interrupted=True, not_run=(NotRun("i", "x", 3),)))
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    path.write_text(written(run), encoding="utf-8")
    assert read_run(path) == run


def test_a_report_without_its_end_is_cut(whole_run: Run, refusal: Callable[[str], str]) -> None:
    lines = written(whole_run).splitlines(keepends=True)
    assert refusal("".join(lines[:5])) == ":5: the report is cut: it has 4 of 10 items and no end"
    assert refusal(lines[0]) == ":1: the report is cut: it has 0 of 10 items and no end"


def test_a_report_cut_within_a_line_is_cut(whole_run: Run, refusal: Callable[[str], str]) -> None:
    assert refusal(written(whole_run)[:-20]) == ":12: the report is cut: the last line is not whole"


def test_a_report_with_a_line_missing_is_refused(whole_run: Run, refusal: Callable[[str], str]) -> None:
    lines = written(whole_run).splitlines(keepends=True)
    assert refusal("".join(lines[:3] + lines[4:])).startswith(":11: the totals do not agree with the outcomes:")


def test_a_report_that_does_not_tell_of_all_items_is_refused(whole_run: Run, refusal: Callable[[str], str]) -> None:
    text = written(whole_run).replace('"items":10', '"items":11')
    assert refusal(text) == ":12: the report tells of 10 items, and the header announces 11"


def test_two_runs_in_one_file_are_refused(whole_run: Run, refusal: Callable[[str], str]) -> None:
    text = written(whole_run)
    lines = text.splitlines(keepends=True)
    assert "goes on after its end" in refusal(text + text)
    assert refusal("".join(lines[:3] + lines)).startswith(":4: a second header: more than one run")
    assert refusal("".join(lines[:3] + lines[2:])) == ":4: restart/lossless[tcp,2] a second time, first in line 3"


def test_an_item_of_an_implementation_that_the_run_did_not_judge_is_refused(
    whole_run: Run, refusal: Callable[[str], str]
) -> None:
    text = written(whole_run).replace('"implementation":"riser"', '"implementation":"other"', 1)
    assert refusal(text) == ":2: an item of implementation other, which the header does not name"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ": not a harness report: it is empty"),
        ("\n", ":1: not a harness report: the first line is no JSON object"),
        ("scenario: x\n", ":1: not a harness report: the first line is no JSON object"),
        ("[" * 100_000 + "\n", ":1: not a harness report: the first line is no JSON object"),
        ('{"format": "other"}\n', ':1: not a harness report: the first line does not say "format": "harness-report"'),
        (
            '{"format": "harness-report", "version": 2}\n',
            ":1: a report of format version 2; this harness reads version 1",
        ),
        ('{"format": "harness-report", "version": 1}\n', ":1: the header has no machine"),
    ],
)
def test_a_foreign_file_is_refused(refusal: Callable[[str], str], text: str, said: str) -> None:
    assert refusal(text) == said


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "report.jsonl"
    path.write_bytes(b"\x80\x81")
    with pytest.raises(ReportError, match="it is not text"):
        read_run(path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"seconds":0.1234', '"seconds":"fast"', ":2: seconds of outcome of an outcome is not a number"),
        ('"seconds":0.1234', '"seconds":true', ":2: seconds of outcome of an outcome is not a number"),
        ('"verdict":"passed"', '"verdict":"lucky"', ":2: there is no verdict 'lucky'"),
        ('"line":1', '"line":1.5', ":2: line of location of outcome of an outcome is not a whole number"),
        ('"moment":5', '"moment":7', ":3: the failure points at moment 7 of 7"),
        ('"operation"', '"miracle"', ":3: there is no kind of moment 'miracle'"),
        ('"interrupted":false', '"interrupted":0', ":12: interrupted of end of the end is not true or false"),
        ('"not_run":[]', '"not_run":{}', ":12: not_run of end of the end is not a list"),
        ('{"outcome":', '{"outcom":', ":2: neither an outcome nor the end of a report"),
    ],
)
def test_a_field_of_the_wrong_type_is_named(
    whole_run: Run, refusal: Callable[[str], str], old: str, new: str, said: str
) -> None:
    assert old in written(whole_run)
    assert refusal(written(whole_run).replace(old, new, 1)) == said
