"""The suite and the reference's manifest are found from anywhere, in a wheel and in a clone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.implementations import _shipped

if TYPE_CHECKING:
    from pathlib import Path


def test_in_a_clone_the_suite_stands_beside_the_package(tmp_path: Path) -> None:
    (tmp_path / "implementations").mkdir()
    assert _shipped(tmp_path / "harness") == tmp_path


def test_in_a_wheel_the_suite_stands_in_the_package(tmp_path: Path) -> None:
    (tmp_path / "harness" / "suite").mkdir(parents=True)
    (tmp_path / "implementations").mkdir()
    assert _shipped(tmp_path / "harness") == tmp_path / "harness" / "suite"
