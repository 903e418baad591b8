"""`harness format`: what becomes of files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.cli import main

if TYPE_CHECKING:
    from tests.harness.doors.conftest import Harness, Write

UNTIDY = "scenario:   it is untidy # and stays so\nactors:\n    d:   {daemon: probe}\nsteps:\n- start: d\n"
TIDY = "scenario: it is untidy   # and stays so\nactors:\n  d: {daemon: probe}\nsteps:\n  - start: d\n"


def test_files_that_differ_are_changed_and_named(harness: Harness, project: Path, write: Write) -> None:
    write("scenarios/stop/untidy.yaml", UNTIDY)
    write("scenarios/clauses.yaml", "talk:   []\n")
    done = harness("format")
    assert (project / "scenarios/stop/untidy.yaml").read_text() == TIDY
    assert (project / "scenarios/clauses.yaml").read_text() == "talk:   []\n"
    assert done.stdout == "changed: scenarios/stop/untidy.yaml\n6 files, 1 changed\n"
    assert done.returncode == 0
    assert harness("format").stdout == "6 files, 0 changed\n"


def test_check_changes_nothing_and_tells_by_its_status(harness: Harness, project: Path, write: Write) -> None:
    write("scenarios/stop/untidy.yaml", UNTIDY)
    done = harness("format", "--check", "scenarios/stop")
    assert (project / "scenarios/stop/untidy.yaml").read_text() == UNTIDY
    assert done.stdout == "would change: scenarios/stop/untidy.yaml\n4 files, 1 to change\n"
    assert done.returncode == 1
    assert harness("format", "--check", "scenarios/talk").returncode == 0


def test_where_one_file_cannot_be_read_none_is_changed(harness: Harness, project: Path, write: Write) -> None:
    write("scenarios/stop/untidy.yaml", UNTIDY)
    write("scenarios/talk/broken.yaml", "scenario: [\n")
    write("scenarios/talk/comment.yaml", "scenario: x\ntags: [a, # why\n  b]\n")
    done = harness("format")
    assert (project / "scenarios/stop/untidy.yaml").read_text() == UNTIDY
    assert "scenarios/talk/broken.yaml:2:1: " in done.stderr
    assert "scenarios/talk/comment.yaml:2:11: formatting would lose this comment\n" in done.stderr
    assert done.stderr.endswith("harness: error: 2 problems in 2 files; nothing was changed\n")
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.usefixtures("project")
def test_a_file_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["format", "nowhere.yaml"]) == 2
    assert capsys.readouterr().err.startswith("nowhere.yaml:1:1: the file cannot be read: no such file or directory\n")


def test_mode_and_links_stay(harness: Harness, project: Path, write: Write) -> None:
    write("untidy.yaml", UNTIDY)
    (project / "untidy.yaml").chmod(0o640)
    link = project / "link.yaml"
    link.symlink_to("untidy.yaml")
    assert harness("format", "link.yaml").returncode == 0
    assert link.is_symlink()
    assert (project / "untidy.yaml").read_text() == TIDY
    assert (project / "untidy.yaml").stat().st_mode & 0o777 == 0o640


def test_a_file_is_whole_when_it_cannot_be_replaced(
    project: Path, write: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write("untidy/one.yaml", UNTIDY)

    def full(_descriptor: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    assert main(["format", "untidy"]) == 2
    said = "harness: error: untidy/one.yaml cannot be written: no space left on device\n"
    assert capsys.readouterr().err == said
    assert [path.name for path in Path(project, "untidy").iterdir()] == ["one.yaml"]
    assert (project / "untidy/one.yaml").read_text() == UNTIDY
