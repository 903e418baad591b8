"""Where a run comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.report.origin import suite_hash, this_machine

if TYPE_CHECKING:
    from pathlib import Path


def files(directory: Path, **contents: str) -> list[str]:
    for name, content in contents.items():
        path = directory / name.replace("_", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return [str(directory / name.replace("_", "/")) for name in contents]


def test_a_suite_has_the_same_hash_wherever_it_lies_and_in_whatever_order(tmp_path: Path) -> None:
    here = files(tmp_path / "here", clauses="c", stop_one="1")
    there = files(tmp_path / "there", clauses="c", stop_one="1")
    assert suite_hash(here) == suite_hash(reversed(there))


def test_content_names_and_their_borders_all_count(tmp_path: Path) -> None:
    suites = [
        files(tmp_path / "a", clauses="c", stop_one="1"),
        files(tmp_path / "b", clauses="c", stop_one="2"),
        files(tmp_path / "c", clauses="c", stop_two="1"),
        files(tmp_path / "d", clauses="c1", stop_one=""),
    ]
    assert len({suite_hash(suite) for suite in suites}) == len(suites)


def test_a_file_that_has_gone_does_not_stop_the_run(tmp_path: Path) -> None:
    assert suite_hash([str(tmp_path / "gone.yaml")]).startswith("sha256:")


def test_the_machine_has_a_processor_to_run_on() -> None:
    assert this_machine().cores >= 1
