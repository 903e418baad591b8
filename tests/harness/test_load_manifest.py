"""Manifests become what they say; mistakes in them have their golden files."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness.load.manifest import load_manifest
from harness.model.manifest import RISER_SIGNALS, Action, KnownFailure, Manifest, Profile
from harness.model.source import InvalidInputError, Location

IMPLEMENTATIONS = Path(__file__).parents[2] / "implementations"

WHOLE = """\
name: mine
language: shell
version: [sh, "${here}/version.sh"]
homepage: https://example.org/
command: ["${python}", -u, "${here}/adapter.py", "$$HOME"]
profiles: [core, daemon]
setup: nothing to do
signals: {restart_graceful: USR1}
known:
  - scenario: restart/lossless[tcp,2]
    message: connection refused
    reason: it closes its socket first
    link: https://example.org/1
  - clause: status.lock
    message: not locked
    reason: it has no lock
    sometimes: true
"""


def load(tmp_path: Path, text: str) -> Manifest:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return load_manifest(path)


def test_a_manifest_is_read(tmp_path: Path) -> None:
    file = str(tmp_path / "mine.yaml")
    assert load(tmp_path, WHOLE) == Manifest(
        name="mine",
        language="shell",
        version=("sh", f"{tmp_path}/version.sh"),
        homepage="https://example.org/",
        command=(sys.executable, "-u", f"{tmp_path}/adapter.py", "$HOME"),
        profiles=frozenset({Profile.CORE, Profile.DAEMON}),
        directory=str(tmp_path),
        setup="nothing to do",
        signals={**RISER_SIGNALS, Action.RESTART_GRACEFUL: "USR1"},
        known=(
            KnownFailure(
                target="restart/lossless[tcp,2]",
                message="connection refused",
                reason="it closes its socket first",
                location=Location(file, 10, 5),
                link="https://example.org/1",
            ),
            KnownFailure(
                target="status.lock",
                message="not locked",
                reason="it has no lock",
                location=Location(file, 14, 5),
                sometimes=True,
            ),
        ),
    )


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    manifest = load(tmp_path, "name: a\nlanguage: b\nversion: 1.20\nhomepage: c\ncommand: [d]\nprofiles: [core]\n")
    assert (manifest.version, manifest.setup, manifest.known) == ("1.20", "", ())
    assert manifest.signals == RISER_SIGNALS


def test_here_is_the_directory_of_the_file_wherever_it_is_loaded_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(tmp_path, WHOLE)
    monkeypatch.chdir(tmp_path)
    assert load_manifest(Path("mine.yaml")).directory == str(tmp_path)


def test_a_missing_manifest_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="cannot be read: no such file"):
        load_manifest(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize("path", sorted(IMPLEMENTATIONS.rglob("*.yaml")), ids=lambda path: path.stem)
def test_every_manifest_of_the_project_is_right(path: Path) -> None:
    assert load_manifest(path).command
