"""What the documents name exists: modules, classes and functions of riser, and the files that are linked."""

import importlib
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import needs

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def named(document: Path) -> list[str]:
    """Every `riser.something` of a document, once."""
    names = re.findall(r"\briser(?:\.[A-Za-z_]\w*)+(?!\w*-)", document.read_text(encoding="utf-8"))
    return sorted(set(names))


def linked(document: Path) -> list[str]:
    """Every file and heading of this repository that a document links to."""
    targets = re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8"))
    return sorted({target for target in targets if "://" not in target})


def anchors(document: Path) -> set[str]:
    """What a code host calls the headings of a document."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_name_of_riser_in_a_document_exists(document: Path) -> None:
    missing = [name for name in named(document) if not exists(name)]
    assert not missing


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_link_of_a_document_leads_somewhere(document: Path) -> None:
    missing = []
    for target in linked(document):
        path, _, anchor = target.partition("#")
        there = document.parent / path if path else document
        if not there.exists() or (anchor and there.suffix == ".md" and anchor not in anchors(there)):
            missing.append(target)
    assert not missing


@needs("systemd-analyze")
def test_systemd_takes_the_units_of_the_operations_page(tmp_path: Path) -> None:
    service, socket = re.findall(
        r"```ini\n(.*?)```", (ROOT / "docs/operations.md").read_text(encoding="utf-8"), re.DOTALL
    )
    (tmp_path / "simple.service").write_text(service.replace("/usr/bin/python3", sys.executable))
    (tmp_path / "simple.socket").write_text(socket)
    # It says what it cannot take, of units of the machine too, and ends with 0 all the same.
    said = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "./simple.service", "./simple.socket"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True,
    )  # fmt: skip
    assert [line for line in said.stdout.splitlines() if "simple." in line] == []


def exists(name: str) -> bool:
    thing: object = importlib.import_module("riser")
    path = "riser"
    for part in name.split(".")[1:]:
        path = f"{path}.{part}"
        if hasattr(thing, part):
            thing = getattr(thing, part)
        elif importlib.util.find_spec(path) is not None:
            thing = importlib.import_module(path)
        else:
            return False
    return True
