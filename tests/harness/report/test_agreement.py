"""All reports are replays of one run: none says of any item what another does not."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from harness.model.outcome import Verdict
from harness.report.console import Console
from harness.report.failure import label
from harness.report.github import GitHub
from harness.report.jsonl import JsonLines, read_run
from harness.report.junit import JUnit
from harness.report.paint import Palette
from harness.report.run import Report, Run, replay

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def reports() -> tuple[dict[str, io.StringIO], list[Report]]:
    streams = {name: io.StringIO() for name in ("jsonl", "console", "live", "junit", "github")}
    return streams, [
        JsonLines(streams["jsonl"]),
        Console(streams["console"], width=120, palette=Palette(is_on=False)),
        Console(streams["live"], width=80, palette=Palette(is_on=True), live=True),
        JUnit(streams["junit"]),
        GitHub(streams["github"]),
    ]


def of_jsonl(text: str) -> dict[str, str]:
    lines = [json.loads(line) for line in text.splitlines()[1:-1]]
    return {line["outcome"]["item"]: line["outcome"]["verdict"] for line in lines}


def of_console(text: str) -> dict[str, str]:
    words = {label(verdict): verdict.value for verdict in Verdict}
    lines = [line.split() for line in text.splitlines() if line.partition(" ")[0] in words]
    return {line[1]: words[line[0]] for line in lines}


def of_junit(text: str) -> dict[str, str]:
    def verdict(case: ET.Element) -> str:
        if not len(case):
            return "passed"
        return case[0].get("type") or case[0].attrib["message"].partition(":")[0]

    return {case.attrib["name"]: verdict(case) for case in ET.fromstring(text).iter("testcase")}


def of_github(text: str) -> dict[str, str]:
    titles = [line.partition(",title=")[2].partition("::")[0] for line in text.splitlines()]
    pairs: Iterable[list[str]] = (title.rsplit(" ", 1) for title in titles)
    return {item.partition("%3A")[2].replace("%2C", ","): verdict for item, verdict in pairs}


@pytest.mark.parametrize("name", ["whole_run", "interrupted_run"])
def test_every_format_says_the_same_of_every_item(name: str, request: pytest.FixtureRequest) -> None:
    run: Run = request.getfixturevalue(name)
    streams, every = reports()
    replay(run, every)
    truth = {result.outcome.item: result.outcome.verdict.value for result in run.results}
    assert of_jsonl(streams["jsonl"].getvalue()) == truth
    assert of_console(streams["console"].getvalue()) == truth
    assert of_junit(streams["junit"].getvalue()) == truth
    annotated = {item: verdict for item, verdict in truth.items() if Verdict(verdict).wants_attention}
    assert of_github(streams["github"].getvalue()) == annotated


def test_every_verdict_is_in_the_run(whole_run: Run) -> None:
    assert {result.outcome.verdict for result in whole_run.results} == set(Verdict)


def test_a_report_made_from_a_file_is_the_one_made_while_the_run_went_on(whole_run: Run, tmp_path: Path) -> None:
    live, every = reports()
    replay(whole_run, every)
    path = tmp_path / "report.jsonl"
    path.write_text(live["jsonl"].getvalue(), encoding="utf-8")
    again, every = reports()
    replay(read_run(path), every)
    assert {name: stream.getvalue() for name, stream in again.items()} == {
        name: stream.getvalue() for name, stream in live.items()
    }


@pytest.mark.parametrize("verdict", Verdict)
def test_a_verdict_is_red_in_every_format_or_in_none(verdict: Verdict, whole_run: Run) -> None:
    result = next(result for result in whole_run.results if result.outcome.verdict is verdict)
    streams, every = reports()
    replay(Run(whole_run.header, (result,), whole_run.footer), every)
    junit = ET.fromstring(streams["junit"].getvalue())[0]
    assert (int(junit.attrib["failures"]) + int(junit.attrib["errors"]) > 0) is verdict.is_red
    assert streams["github"].getvalue().startswith("::error") is verdict.is_red
    assert bool(streams["github"].getvalue()) is verdict.wants_attention
    assert ("again: harness run" in streams["console"].getvalue()) is verdict.wants_attention
