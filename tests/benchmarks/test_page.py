"""The page of performance: made of a report, with all figures and curves there are; and that of docs is up to date."""

import dataclasses
from pathlib import Path

import pytest

from benchmarks import page
from benchmarks.curve import Traced
from benchmarks.effort import FULL
from benchmarks.figure import OURS, Measured
from benchmarks.report import Report, machine, read, report_of, write
from benchmarks.table import all_curves, all_figures

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "benchmarks" / "figures.json"


@pytest.fixture
def report() -> Report:
    """Two figures and a curve of which everything is known, and nothing of the others."""
    figures = {one.name: one for one in all_figures(FULL)}
    curves = {one.name: one for one in all_curves(FULL)}
    echo = dataclasses.replace(figures["echo"], absent={"limit": "there is no C compiler"})
    held = dataclasses.replace(curves["held-memory"], absent={})
    return report_of(
        {"cores": "2"},
        [
            Measured(echo, {OURS: [300.0, 200.0], "Ruby original": [100.0, 100.0], "ThreadingTCPServer": []}),
            Measured(figures["stop"], {OURS: [70.0]}, {OURS: "RuntimeError: it did not end"}),
        ],
        [Traced(held, {"riser, a thread for each": [(10, 12), (20, 13.000001)]})],
    )


def rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_a_report_is_read_as_it_was_written(report: Report, tmp_path: Path) -> None:
    write(tmp_path / "figures.json", report)
    assert read(tmp_path / "figures.json") == report
    lines = (tmp_path / "figures.json").read_text().splitlines()
    assert sum('"values"' in line for line in lines) == 2


def test_each_aim_has_a_row_with_what_came_of_it(report: Report) -> None:
    told = rows(page.text_of(report))
    title = "echo round trips on 8 connections that stay"
    assert ["`echo`", title, "250 per second", "Ruby original", "2.5x", "1.2x", "2x", "stretch"] in told
    assert ["`stop`", "TERM to exit, idle, 2 children", "70 ms", "", "", "50 at most", "20", "NO"] in told


def test_each_peer_has_a_row_also_one_that_cannot_or_is_not_there(report: Report) -> None:
    told = rows(page.text_of(report))
    assert ["", "Ruby original", "100 per second (100 to 100)", "2.5x (2 to 3)", ""] in told
    assert ["", "ThreadingTCPServer", "has no such thing", "-", ""] in told
    assert ["", "limit", "not measured: there is no C compiler", "", ""] in told
    assert ["", "riser", "broke down: RuntimeError: it did not end", "", ""] in told


def test_each_figure_is_on_the_page_and_says_when_it_was_not_measured(report: Report) -> None:
    told = rows(page.text_of(report))
    for figure in all_figures(FULL):
        aims, everybody = (row for row in told if row[0] == f"`{figure.name}`")
        assert aims[1] == figure.title
        assert everybody[4] == figure.limited_by
        assert (aims[2] == "not measured") == (figure.name not in ("echo", "stop"))


def test_a_curve_is_a_plot_a_table_and_what_one_more_costs(report: Report, tmp_path: Path) -> None:
    (tmp_path / "performance").mkdir()
    (tmp_path / "performance" / "what-was-once.svg").touch()
    page.write(report, tmp_path)
    text = (tmp_path / "performance.md").read_text()
    assert "![Memory of a server that holds connections](performance/held-memory.svg)" in text
    assert ["102 KiB for an idle connection", "riser, a thread for each", "`held-memory`"] in rows(text)
    assert ["10", "12"] in rows(text)
    assert [path.name for path in (tmp_path / "performance").iterdir()] == ["held-memory.svg"]


def test_a_report_says_what_it_was_measured_on() -> None:
    assert {"day", "processor", "cores", "kernel", "Python", "Ruby", "load before"} == set(machine())


def test_the_page_in_docs_has_every_figure_and_every_curve() -> None:
    published = read(PUBLISHED)
    assert list(published.figures) == [one.name for one in all_figures(FULL)]
    assert list(published.curves) == [one.name for one in all_curves(FULL)]


def test_the_page_in_docs_and_its_plots_are_those_of_the_published_report(tmp_path: Path) -> None:
    """If this fails: `python -m benchmarks --page benchmarks/figures.json`."""
    page.write(read(PUBLISHED), tmp_path)
    made = {path.relative_to(tmp_path): path.read_text() for path in tmp_path.rglob("*.*")}
    docs = ROOT / "docs"
    there = [docs / "performance.md", *(docs / "performance").iterdir()]
    assert {path.relative_to(docs): path.read_text() for path in there} == made
