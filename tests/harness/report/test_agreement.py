"""All reports are replays of one run: none says of any item what another does not."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from harness.model.outcome import Verdict
from harness.report.console import Console
from harness.report.failure import label
from harness.report.github import GitHub
from harness.report.html.page import page
from harness.report.jsonl import JsonLines, read_run
from harness.report.junit import junit
from harness.report.markdown import markdown
from harness.report.paint import Palette
from harness.report.run import AtTheEnd, Report, Run, replay
from harness.report.survey import survey
from harness.report.tap import Tap

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def reports() -> tuple[dict[str, io.StringIO], list[Report]]:
    streams = {
        name: io.StringIO() for name in ("jsonl", "console", "live", "junit", "github", "tap", "markdown", "html")
    }
    return streams, [
        JsonLines(streams["jsonl"]),
        Console(streams["console"], width=120, palette=Palette(is_on=False)),
        Console(streams["live"], width=80, palette=Palette(is_on=True), live=True),
        AtTheEnd(streams["junit"], junit),
        GitHub(streams["github"]),
        Tap(streams["tap"]),
        AtTheEnd(streams["markdown"], lambda run: markdown(survey([run]))),
        AtTheEnd(streams["html"], lambda run: page(survey([run]))),
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


def of_tap(text: str) -> dict[str, str]:
    points = re.findall(r"^((?:not )?ok) \d+ - riser:(\S+)(.*)\n(?:  ---\n  verdict: \"(\w+)\")?", text, re.MULTILINE)
    return {item: verdict or {"ok": "passed"}[begin] for begin, item, _, verdict in points}


def of_markdown(text: str) -> tuple[dict[str, int], dict[str, str]]:
    """The counts, and what is red."""
    table = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    told = zip(table[0], table[2], strict=True)
    counts = {name: int(value.replace("-", "0")) for name, value in told if name in [*Verdict]}
    listed = re.findall(r"^- \*\*(\w+)\*\* (\S+) ", text, re.MULTILINE)
    return counts, {item.replace("\\", ""): verdict for verdict, item in listed}


def of_html(text: str) -> dict[str, str]:
    """Of every scenario its items; where there is nothing below its line, the line itself tells of the one item."""
    found: dict[str, str] = {}
    document = ET.fromstring(text.partition("\n")[2])
    for scenario in document.findall(".//section[@id='scenarios']/details"):
        name, said = _told(scenario)
        own = dict(map(_told, scenario.findall("details")))
        found |= own or {name: said.removeprefix("1 ")}
        assert said in {f"{count} {verdict}" for verdict, count in Counter(own.values()).items()} or len(own) != 1
    return found


def _told(details: ET.Element) -> tuple[str, str]:
    """The name and the verdict in the line of something that can be opened."""
    spans = {(span.get("class") or "")[:2]: span.text or "" for span in details[0].iter("span")}
    return spans["id"], spans["v "]


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
    assert of_tap(streams["tap"].getvalue()) == truth
    counts, listed = of_markdown(streams["markdown"].getvalue())
    assert counts == Counter(truth.values())
    assert listed == annotated
    assert of_html(streams["html"].getvalue()) == truth


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
    points = [line for line in streams["tap"].getvalue().splitlines() if line.startswith("not ok")]
    assert any("# TODO" not in line for line in points) is verdict.is_red
    assert ("## Red: riser" in streams["markdown"].getvalue()) is verdict.is_red
    assert ("## Flaky: riser" in streams["markdown"].getvalue()) is (verdict.wants_attention and not verdict.is_red)
    assert ('<details open="">' in streams["html"].getvalue()) is verdict.wants_attention
