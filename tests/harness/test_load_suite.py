"""Suites: which files are found, what their items are called, and what is told about files that are none."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from harness.load.codes import Code
from harness.load.files import MAX_BYTES
from harness.load.suite import Suite, load_suite

SUITE = Path(__file__).parents[2] / "scenarios"
SCENARIO = "scenario: x\nactors: {d: {daemon: echo}}\nsteps: [{start: d}]\n"
CLAUSED = "scenario: x\nclauses: [a.b]\nactors: {d: {daemon: echo}}\nsteps: [{start: d}]\n"
CLAUSES = "a:\n  - {id: a.b, level: must, source: readme, says: it is so}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: str, text: str = SCENARIO) -> Path:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def items(suite: Suite) -> list[str]:
    return [scenario.item for scenario in suite.scenarios]


def told(suite: Suite) -> list[str]:
    return [str(problem) for problem in suite.problems]


def test_a_directory_holds_every_scenario_below_it_in_order() -> None:
    for path in ("s/b/two.yaml", "s/b/one.yaml", "s/a.yaml", "s/c/d/three.yaml"):
        write(path)
    suite = load_suite([Path("s")])
    assert told(suite) == []
    assert items(suite) == ["a", "b/one", "b/two", "c/d/three"]


def test_places_name_the_file_as_the_user_did(folder: Path) -> None:
    write("s/a.yaml")
    (relative,) = load_suite([Path("s")]).scenarios
    (absolute,) = load_suite([folder / "s" / "a.yaml"]).scenarios
    assert relative.location.file == "s/a.yaml"
    assert absolute.location.file == str(folder / "s/a.yaml")


def test_hidden_files_and_other_files_are_left_alone() -> None:
    write("s/a.yaml")
    write("s/.hidden.yaml", "[")
    write("s/.git/b.yaml", "[")
    write("s/readme.md", "[")
    assert items(load_suite([Path("s")])) == ["a"]


def test_ids_begin_below_the_nearest_list_of_clauses() -> None:
    write("suite/clauses.yaml", CLAUSES)
    write("suite/topic/a.yaml", CLAUSED)
    for path in ("suite", "suite/topic", "suite/topic/a.yaml"):
        suite = load_suite([Path(path)])
        assert (told(suite), items(suite)) == ([], ["topic/a"])
        assert list(suite.clauses) == ["a.b"]


def test_the_list_of_clauses_is_found_above_the_working_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    write("suite/clauses.yaml", CLAUSES)
    write("suite/topic/a.yaml", CLAUSED)
    monkeypatch.chdir("suite/topic")
    assert items(load_suite([Path()])) == ["topic/a"]
    assert items(load_suite([Path("a.yaml")])) == ["topic/a"]


def test_a_root_that_is_given_counts() -> None:
    write("s/t/a.yaml")
    assert items(load_suite([Path("s/t")], root=Path("s"))) == ["t/a"]


def test_a_scenario_outside_a_suite_needs_no_clauses() -> None:
    write("a.yaml")
    assert items(load_suite([Path("a.yaml")])) == ["a"]


def test_a_scenario_of_a_suite_needs_clauses() -> None:
    write("s/clauses.yaml", CLAUSES)
    write("s/a.yaml")
    assert [problem.code for problem in load_suite([Path("s")]).problems] == [Code.MISSING_KEY]


def test_problems_in_the_list_of_clauses_are_told_once_and_hide_no_others() -> None:
    write("s/clauses.yaml", "a: b\n")
    write("s/a.yaml", CLAUSED)
    write("s/b.yaml", "[")
    assert [problem.location.file for problem in load_suite([Path("s")]).problems] == ["s/clauses.yaml", "s/b.yaml"]


def test_a_file_named_twice_is_loaded_once() -> None:
    write("s/a.yaml")
    Path("link.yaml").symlink_to("s/a.yaml")
    assert items(load_suite([Path("s"), Path("s/a.yaml"), Path("s/../s/a.yaml"), Path("link.yaml")])) == ["a"]


def test_two_files_of_one_id_are_refused() -> None:
    write("s/a.yaml")
    write("t/a.yaml")
    suite = load_suite([Path("s"), Path("t")])
    assert items(suite) == ["a"]
    assert told(suite) == ["t/a.yaml:1:1: its id `a` is that of s/a.yaml too"]


def test_a_directory_without_scenarios_is_told() -> None:
    Path("empty/.hidden").mkdir(parents=True)
    assert told(load_suite([Path("empty")])) == [
        "empty:1:1: there is no scenario in this directory: no file ends in .yaml"
    ]


def test_a_file_that_would_never_be_run_is_told() -> None:
    write("s/a.yml")
    assert told(load_suite([Path("s")])) == ["s/a.yml:1:1: a scenario file ends in .yaml; this one would never be run"]


def test_a_missing_file_is_told() -> None:
    assert told(load_suite([Path("nowhere.yaml")])) == [
        "nowhere.yaml:1:1: the file cannot be read: no such file or directory"
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told() -> None:
    write("a.yaml").chmod(0)
    assert told(load_suite([Path("a.yaml")])) == ["a.yaml:1:1: the file cannot be read: permission denied"]


def test_a_fifo_is_refused_without_waiting_for_a_writer() -> None:
    os.mkfifo("a.yaml")
    assert told(load_suite([Path("a.yaml")])) == ["a.yaml:1:1: this is not a regular file"]


def test_a_path_that_leads_in_circles_is_told() -> None:
    Path("a.yaml").symlink_to("a.yaml")
    assert told(load_suite([Path("a.yaml")])) == [
        "a.yaml:1:1: the file cannot be read: too many levels of symbolic links"
    ]


def test_a_file_that_is_too_large_is_refused_unread() -> None:
    with Path("a.yaml").open("wb") as file:
        file.truncate(MAX_BYTES * 1000)
    assert told(load_suite([Path("a.yaml")])) == [f"a.yaml:1:1: the file has more than {MAX_BYTES:,} bytes"]


def test_problems_of_all_files_are_told_and_right_files_are_loaded() -> None:
    write("s/a.yaml", "[")
    write("s/b.yaml")
    write("s/c.yaml", "x: y")
    suite = load_suite([Path("s")])
    assert items(suite) == ["b"]
    assert {problem.location.file for problem in suite.problems} == {"s/a.yaml", "s/c.yaml"}


def test_the_suite_of_this_project_is_right() -> None:
    suite = load_suite([SUITE])
    assert told(suite) == []
    assert len({scenario.item for scenario in suite.scenarios}) == len(suite.scenarios)
    assert suite.clauses


def test_250_scenarios_are_loaded_fast() -> None:
    """Usually about 0.2 s; the limit is for machines that do much else."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(SUITE.glob("*/*.yaml"))]
    write("s/clauses.yaml", (SUITE / "clauses.yaml").read_text(encoding="utf-8"))
    for number in range(250):
        write(f"s/{number}.yaml", texts[number % len(texts)])
    began = time.process_time()
    suite = load_suite([Path("s")])
    seconds = time.process_time() - began
    assert told(suite) == []
    assert seconds < 5
