"""Reports from the command line: in every format, of one run or of several, and of one against another."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from harness.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.doors.conftest import Harness

EVERY = ("tap", "markdown", "html", "junit")


@pytest.fixture
def stored(harness: Harness) -> None:
    """Reports of a green and of a red run of the same suite."""
    harness("run", "--only", "echo[tcp]", "--report", "green.jsonl")
    harness("run", "--only", "echo[tcp]", "--only", "wrong", "--report", "red.jsonl", "--implementation", "other")


def files(prefix: str) -> list[str]:
    return [word for name in EVERY for word in (f"--{name}", f"{prefix}.{name}")]


def test_a_run_and_its_stored_report_make_the_same_files(harness: Harness, project: Path) -> None:
    done = harness("run", "scenarios/talk", "--report", "r.jsonl", *files("run"))
    again = harness("report", "r.jsonl", *files("again"))
    assert (done.returncode, again.returncode, again.stdout) == (1, 1, "")
    for name in EVERY:
        assert (project / f"run.{name}").read_text() == (project / f"again.{name}").read_text(), name


@pytest.mark.usefixtures("stored")
def test_reports_of_several_runs_make_one_page(harness: Harness, project: Path) -> None:
    done = harness(
        "report", "green.jsonl", "red.jsonl", "--html", "page.html", "--markdown", "page.md", "--badges", "badges"
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    assert "<title>Conformance: riser 1.0, other 2.0</title>" in (project / "page.html").read_text()
    assert "| other | 2.0 | python | 2 | 1 | 1 |" in (project / "page.md").read_text()
    assert "1 red" in (project / "badges" / "other.svg").read_text()
    assert "1 of 2 must" in (project / "badges" / "riser.svg").read_text()


REFUSED: list[tuple[list[str], str]] = [
    (["green.jsonl", "red.jsonl"], "of several reports only Markdown, HTML and badges can be made"),
    (["green.jsonl", "red.jsonl", "--tap", "x"], "of several reports only Markdown, HTML and badges can be made"),
    (["green.jsonl", "green.jsonl", "--html", "x"], "two reports cannot be written to one file, green.jsonl"),
    (["green.jsonl", "--html", "x", "--tap", "x"], "two reports cannot be written to one file, x"),
    (["green.jsonl", "--html", "green.jsonl"], "two reports cannot be written to one file, green.jsonl"),
    (["green.jsonl", "copy.jsonl", "--html", "x"], "two of these reports judge riser: give one of them"),
    (["green.jsonl", "--kills", "kills.json"], "--kills is shown by --markdown and --html, and neither is given"),
    (["green.jsonl", "--kills", "kills.json", "--html", "x"], "kills.json is of another suite than the reports"),
    (["green.jsonl", "--kills", "cut.jsonl", "--html", "x"], "cut.jsonl: not what `harness mutants --json` prints"),
    (["green.jsonl", "cut.jsonl", "--html", "x"], "cut.jsonl:2: the report is cut: it has 1 of 1 items and no end"),
]


@pytest.mark.usefixtures("stored")
def test_what_makes_no_report_is_refused_and_nothing_is_written(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (project / "green.jsonl").read_text()
    (project / "copy.jsonl").write_text(text)
    (project / "cut.jsonl").write_text("".join(text.splitlines(keepends=True)[:-1]))
    (project / "kills.json").write_text('{"suite_hash": "sha256:0", "mutants": [], "without_mutant": []}')
    for words, said in REFUSED:
        assert main(["report", *words]) == 2
        assert capsys.readouterr().err.startswith(f"harness: error: {said}")
        assert not (project / "x").exists()
        assert (project / "green.jsonl").read_text() == text


def test_the_mutants_that_were_stored_are_shown(harness: Harness, project: Path) -> None:
    harness("run", "--only", "echo[tcp]", "--report", "r.jsonl")
    suite = json.loads((project / "r.jsonl").read_text().splitlines()[0])["suite_hash"]
    mutant = {"mutant": "deaf", "says": "Hears nothing.", "clauses": ["talk.echo"], "fate": "survived", "items": {}}
    (project / "kills.json").write_text(
        json.dumps({"suite_hash": suite, "mutants": [mutant], "without_mutant": ["stop.clean"]})
    )
    harness("report", "r.jsonl", "--kills", "kills.json", "--html", "r.html", "--markdown", "r.md")
    assert "0 of 1 testees that are wrong on purpose are found out." in (project / "r.md").read_text()
    assert "Hears nothing." in (project / "r.html").read_text()


def test_a_build_on_github_gets_annotations_and_a_summary(harness: Harness, project: Path) -> None:
    (project / "summary").write_text("what an earlier step said\n")
    done = harness(
        "run", "scenarios/talk/wrong.yaml", "--report", "r.jsonl", GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY="summary"
    )
    annotations = [line for line in done.stdout.splitlines() if line.startswith("::error ")]
    assert len(annotations) == 1
    assert (project / "summary").read_text().startswith("what an earlier step said\n# Conformance\n")
    assert harness("report", "r.jsonl", "--github").stdout.splitlines() == annotations


@pytest.mark.usefixtures("stored")
def test_compare_tells_by_its_exit_status(harness: Harness) -> None:
    same = harness("compare", "green.jsonl", "green.jsonl")
    assert (same.returncode, same.stdout) == (0, "1 as before\n")
    worse = harness("compare", "green.jsonl", "red.jsonl")
    assert (worse.returncode, worse.stdout) == (
        1,
        "appeared     other:talk/wrong  failed\n1 appeared, 1 as before\n",
    )
    better = harness("compare", "red.jsonl", "green.jsonl", "--json")
    assert better.returncode == 0
    assert json.loads(better.stdout)["differences"] == [
        {
            "implementation": "riser", "item": "talk/wrong", "change": "disappeared", "old": "failed", "new": None,
            "bad": False,
        }
    ]  # fmt: skip


@pytest.mark.usefixtures("stored")
def test_trend_tells_of_every_report(harness: Harness) -> None:
    done = harness("trend", "red.jsonl", "green.jsonl")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert [line.split()[2] for line in lines[1:3]] == ["riser", "other"]
    assert lines[-1] == "items that did not always end the same way: none"


@pytest.mark.parametrize("words", [["compare", "away.jsonl", "away.jsonl"], ["trend", "away.jsonl"]])
def test_a_report_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert main(words) == 2
    assert capsys.readouterr().err == "harness: error: away.jsonl: no such file or directory\n"
