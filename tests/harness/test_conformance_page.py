"""The suite's verdict that is shipped, docs/conformance.md, is of this suite and of the implementations that there are.

The page is made by `harness report`, from runs of minutes; its end says how. So it is made anew when an implementation
or its known failures change, not for every scenario or mutant that is added: the hash on it says of which suite it is.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.load.clauses import load_clauses
from harness.load.manifest import load_manifest
from harness.load.suite import load_suite
from harness.mutants import load_mutants

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
MANIFESTS = [*sorted((ROOT / "implementations").glob("*.yaml")), ROOT / "examples" / "node" / "node.yaml"]


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_every_implementation_is_on_the_page_and_can_be_judged_again(path: Path) -> None:
    name = load_manifest(path).name
    assert re.search(rf"^\| {re.escape(name)} \| ", PAGE, re.MULTILINE)
    assert f"--report {name}-report.jsonl" in PAGE


def test_nothing_is_red_on_the_page() -> None:
    assert not re.findall("^## (?:Red|Flaky): .*$", PAGE, re.MULTILINE)


def test_every_scenario_on_the_page_is_one_of_the_suite() -> None:
    paths = {scenario.path for scenario in load_suite([ROOT / "scenarios"]).scenarios}
    listed = PAGE.partition("## Known failures")[2].partition("## Not judged")[0]
    topics = "|".join({re.escape(path.partition("/")[0]) for path in paths})
    named = set(re.findall(rf"\b(?:{topics})/[\w-]+", listed))
    assert named
    assert named <= paths


def test_every_topic_on_the_page_is_one_of_the_clauses() -> None:
    topics = {clause.topic for clause in load_clauses(ROOT / "scenarios" / "clauses.yaml").values()}
    named = set(re.findall(r"^\| (\w+) \| (?:must|should|may) \|", PAGE, re.MULTILINE))
    assert named
    assert named <= topics


def test_every_mutant_on_the_page_is_one_that_there_is_and_was_found_out() -> None:
    clauses = load_clauses(ROOT / "scenarios" / "clauses.yaml")
    known = {mutant.name: mutant for mutant in load_mutants(ROOT / "implementations" / "mutants", clauses)}
    section = PAGE.partition("## Mutants")[2].partition("\n## ")[0].replace("\\", "")
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")][2:]
    assert rows
    for broken, name, _says, by in rows:
        assert broken == ", ".join(known[name].clauses)
        assert re.fullmatch(r"[\w-]+/[\w-]+(, [\w-]+/[\w-]+)*", by), f"nobody has found out {name}: {by}"
