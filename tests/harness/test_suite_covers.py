"""The suite is whole: every clause is checked by something, and whatever names a clause names one that there is."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.load.clauses import load_clauses
from harness.load.manifest import load_manifest
from harness.load.suite import load_suite
from harness.mutants import load_mutants, without_mutant

ROOT = Path(__file__).parents[2]
IMPLEMENTATIONS = ROOT / "implementations"
CLAUSES = load_clauses(ROOT / "scenarios" / "clauses.yaml")
SCENARIOS = load_suite([ROOT / "scenarios"]).scenarios
MUTANTS = load_mutants(IMPLEMENTATIONS / "mutants", CLAUSES)
CLAUSE = re.compile(r"\b[a-z_]+(?:\.[a-z0-9_]+)+\b")

OPEN: frozenset[str] = frozenset()
"""Clauses that nothing checks yet."""

FROM_INSIDE = {"queue.bounded", "queue.close", "queue.close.waiters", "stream.buffer.error"}
"""Clauses of level must on objects of a program that no scenario reaches: the reference's own tests hold them."""


def named_by_tests() -> set[str]:
    """The clauses that docstrings of test functions and test modules name."""
    named: set[str] = set()
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef):
                named.update(CLAUSE.findall(ast.get_docstring(node) or ""))
    return named & set(CLAUSES)


def test_every_clause_has_a_scenario_or_a_test_that_names_it() -> None:
    checked = {clause for scenario in SCENARIOS for clause in scenario.clauses} | named_by_tests()
    assert set(CLAUSES) - checked == OPEN


def test_every_scenario_names_clauses_that_there_are() -> None:
    astray = {scenario.path: set(scenario.clauses) - set(CLAUSES) for scenario in SCENARIOS}
    assert not {path for path, unknown in astray.items() if unknown}
    assert all(scenario.clauses for scenario in SCENARIOS)


@pytest.mark.parametrize("manifest", [path.stem for path in sorted(IMPLEMENTATIONS.glob("*.yaml"))])
def test_every_known_failure_is_of_something_that_there_is(manifest: str) -> None:
    for known in load_manifest(IMPLEMENTATIONS / f"{manifest}.yaml").known:
        pattern = re.compile(".*".join(map(re.escape, known.target.split("*"))) + r"(\[.*)?")
        items = [scenario for scenario in SCENARIOS if pattern.fullmatch(scenario.item)]
        assert items or known.target in CLAUSES, f"{known.location}: there is no {known.target}"


def test_the_reference_has_no_known_failure() -> None:
    assert load_manifest(IMPLEMENTATIONS / "riser.yaml").known == ()


def test_every_mutant_breaks_something_that_is_checked() -> None:
    checked_elsewhere = named_by_tests() | OPEN
    for mutant in MUTANTS:
        judges = mutant.items(SCENARIOS)
        assert judges or checked_elsewhere.issuperset(mutant.clauses), f"{mutant.name}: nothing checks {mutant.clauses}"


def test_every_clause_of_level_must_is_broken_by_a_mutant_unless_it_is_out_of_reach() -> None:
    assert len(MUTANTS) >= 60
    assert set(without_mutant(CLAUSES, MUTANTS)) == FROM_INSIDE
    assert FROM_INSIDE.isdisjoint(clause for scenario in SCENARIOS for clause in scenario.clauses)
    assert named_by_tests() >= FROM_INSIDE


EACH_IN_A_CHILD = """
import os, runpy, sys, traceback
import riser.testee.__main__
for path in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        sys.argv, status = [path], 1
        try:
            runpy.run_path(path, run_name="__main__")
        except SystemExit as leaving:
            status = leaving.code
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)
    print(path, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
NO_TESTEES = {"exits_at_once", "never_starts", "leaves_child"}
"""Mutants that do something before the reference begins, or have no reference in them."""


def test_every_mutant_patches_something_that_there_is() -> None:
    """Without arguments it says how it is used, status 2: one that is no program at all would always be killed."""
    paths = [str(mutant.path) for mutant in MUTANTS if mutant.name not in NO_TESTEES]
    command = [sys.executable, "-c", EACH_IN_A_CHILD, *paths]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout.splitlines() == [f"{path} 2" for path in paths], done.stderr
