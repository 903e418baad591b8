"""What a person reads, on a terminal and through a pipe."""

from __future__ import annotations

import dataclasses
import io
import re
from typing import TYPE_CHECKING

import pytest

from harness.model.pace import Pace
from harness.report.console import Console
from harness.report.paint import Palette, wants_colour
from harness.report.run import Footer, Implementation, Result, Run, replay

if TYPE_CHECKING:
    from collections.abc import Callable


def shown(run: Run, *, width: int = 120, live: bool = False, colour: bool = False) -> str:
    stream = io.StringIO()
    replay(run, [Console(stream, width=width, palette=Palette(colour), live=live)])
    return stream.getvalue()


def screen(text: str) -> str:
    """What stays on a terminal: a line that is erased is gone."""
    return re.sub(r"[^\n]*\r\x1b\[K", "", text)


def test_a_run_through_a_pipe(whole_run: Run, golden: Callable[[str, str], None]) -> None:
    golden("console.txt", shown(whole_run))


def test_an_interrupted_run_says_what_was_not_run(interrupted_run: Run, golden: Callable[[str, str], None]) -> None:
    golden("console-interrupted.txt", shown(interrupted_run))


def test_on_a_terminal_passed_items_leave_no_line(whole_run: Run, golden: Callable[[str, str], None]) -> None:
    golden("console-live.txt", screen(shown(whole_run, live=True, width=80)))


def test_the_status_line_fits_the_terminal_and_says_how_far_the_run_is(whole_run: Run) -> None:
    states = re.findall(r"\r\x1b\[K([^\r\n]+)(?=\r)", shown(whole_run, live=True, width=60))
    assert states[0] == "1 of 10: 1 passed, 0 failed   address/tcp[tcp]"
    assert all(len(state) < 60 for state in states)


def test_colour_changes_nothing_but_colour(whole_run: Run) -> None:
    painted = shown(whole_run, colour=True)
    assert "\x1b[1;31mFAIL\x1b[0m" in painted
    assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == shown(whole_run)


def test_a_stretched_run_says_so_and_what_was_measured(whole_run: Run) -> None:
    pace = Pace(0.042)
    header = dataclasses.replace(whole_run.header, time_scale=pace.scale, pace=pace)
    first, *_ = shown(dataclasses.replace(whole_run, header=header)).splitlines()
    assert first.endswith(", time scale 1.7 (measured: a process took 42 ms, 25 ms are normal)")


def test_the_counts_stand_alone_on_the_last_line(whole_run: Run) -> None:
    assert shown(whole_run).splitlines()[-1] == (
        "2 passed, 1 failed, 1 xfailed, 1 xpassed, 1 leaked, 1 errored, 1 flaky, 1 unsupported, 1 skipped"
    )
    green = dataclasses.replace(whole_run, results=whole_run.results[:1])
    assert shown(green).splitlines()[-1] == "1 passed, 0 failed"


def test_of_several_implementations_each_is_named_and_summed_up(
    whole_run: Run, golden: Callable[[str, str], None]
) -> None:
    header = dataclasses.replace(
        whole_run.header, implementations=(Implementation("riser", "0.1.0"), Implementation("stdlib", "3.11", "stdlib"))
    )
    other = tuple(
        Result(dataclasses.replace(result.outcome, implementation="stdlib"), result.source)
        for result in whole_run.results[:2]
    )
    golden("console-two.txt", shown(Run(header, (*whole_run.results[:2], *other), Footer(1.0))))


@pytest.mark.parametrize(
    ("environment", "terminal", "colour"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
        ({"TERM": "dumb"}, True, False),
    ],
)
def test_who_wants_colour(environment: dict[str, str], terminal: bool, colour: bool) -> None:  # noqa: FBT001  # a table
    class Stream(io.StringIO):
        def isatty(self) -> bool:
            return terminal

    assert wants_colour(Stream(), environment) is colour
