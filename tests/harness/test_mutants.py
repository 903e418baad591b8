"""Mutants: what they say of themselves, and what the verdicts of their items make of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.load.scenario import read_scenarios
from harness.model.clauses import Clause, Level, Source
from harness.model.outcome import Outcome, Verdict
from harness.model.source import Location
from harness.mutants import Fate, Mutant, MutantError, Row, in_turn, load_mutants, without_mutant

if TYPE_CHECKING:
    from pathlib import Path

    from harness.model.scenario import Scenario

HERE = Location("clauses.yaml", 1, 1)
CLAUSES = {
    name: Clause(HERE, "stop", id=name, level=level, source=Source.README, says="so it is")
    for name, level in {"stop.soft": Level.MUST, "stop.hard": Level.MUST, "stop.soon": Level.SHOULD}.items()
}


def scenarios(name: str, clause: str) -> tuple[Scenario, ...]:
    """Two items."""
    text = f"scenario: a test\nclauses: [{clause}]\nmatrix: {{n: [1, 2]}}\nactors:\n"
    text += '  d: {daemon: echo, server: {thread_num: "${n}"}}\nsteps:\n'
    return read_scenarios(f"{text}  - start: d\n", f"{name}.yaml", name=name)


def mutant(path: Path, *clauses: str) -> Mutant:
    return Mutant(path.name, path, "is wrong", clauses)


def judged(row: Row, *verdicts: Verdict) -> Row:
    for item, verdict in zip(row.items, verdicts, strict=False):
        row.add(Outcome(item.item, item.title, item.clauses, row.mutant.name, verdict, item.location))
    return row


@pytest.mark.parametrize(
    ("docstring", "says", "clauses"),
    [
        ("Is deaf. Breaks stop.soft.", "Is deaf.", ("stop.soft",)),
        ("Is deaf\nto all. Breaks stop.soft, stop.hard.", "Is deaf to all.", ("stop.soft", "stop.hard")),
        ("Is deaf. Breaks stop.soft and stop.hard. More of it.", "Is deaf.", ("stop.soft", "stop.hard")),
        ("Is deaf. Breaks no clause: it is only rude.", "Is deaf.", ()),
    ],
)
def test_a_mutant_says_what_it_does_and_breaks(
    tmp_path: Path, docstring: str, says: str, clauses: tuple[str, ...]
) -> None:
    (tmp_path / "deaf.py").write_text(f'"""{docstring}"""\n')
    assert load_mutants(tmp_path, CLAUSES) == (Mutant("deaf", tmp_path / "deaf.py", says, clauses),)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "its docstring does not end with `Breaks CLAUSE.` or `Breaks no clause: ...`"),
        ('"""Is deaf."""', "its docstring does not end with `Breaks CLAUSE.` or `Breaks no clause: ...`"),
        ('"""Is deaf. Breaks stop.sofd."""', "it breaks stop.sofd, which is no clause of the suite"),
    ],
)
def test_a_mutant_that_does_not_say_what_it_breaks_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "deaf.py").write_text(text)
    with pytest.raises(MutantError) as raised:
        load_mutants(tmp_path, CLAUSES)
    assert str(raised.value) == f"{tmp_path / 'deaf.py'}: {complaint}"


def test_a_mutant_is_judged_by_the_items_of_its_clauses(tmp_path: Path) -> None:
    soft, hard = scenarios("soft", "stop.soft"), scenarios("hard", "stop.hard")
    assert mutant(tmp_path, "stop.hard", "stop.soon").items([*soft, *hard]) == list(hard)


@pytest.mark.parametrize(
    ("verdicts", "fate"),
    [
        ([Verdict.PASSED, Verdict.FAILED], Fate.KILLED),
        ([Verdict.LEAKED], Fate.KILLED),
        ([Verdict.PASSED, Verdict.PASSED], Fate.SURVIVED),
        ([Verdict.PASSED, Verdict.ERRORED], Fate.SURVIVED),
        ([Verdict.ERRORED, Verdict.ERRORED], Fate.NOT_JUDGED),
        ([Verdict.SKIPPED, Verdict.UNSUPPORTED], Fate.NOT_JUDGED),
        ([], Fate.NOT_JUDGED),
    ],
)
def test_the_fate_of_a_mutant(tmp_path: Path, verdicts: list[Verdict], fate: Fate) -> None:
    row = Row(mutant(tmp_path, "stop.soft"), scenarios("soft", "stop.soft"))
    assert judged(row, *verdicts).fate is fate


def test_kills_are_counted_by_scenario(tmp_path: Path) -> None:
    items = [*scenarios("a", "stop.soft"), *scenarios("b", "stop.soft"), *scenarios("c", "stop.soft")]
    row = judged(
        Row(mutant(tmp_path, "stop.soft"), items),
        *(Verdict.FAILED, Verdict.PASSED, Verdict.LEAKED, Verdict.FAILED, Verdict.SKIPPED, Verdict.ERRORED),
    )
    assert row.kills() == {"a": (1, 2), "b": (2, 2)}


def test_every_mutant_has_its_first_item_first(tmp_path: Path) -> None:
    one = Row(mutant(tmp_path, "stop.soft"), scenarios("soft", "stop.soft"))
    other = Row(mutant(tmp_path, "stop.hard"), scenarios("hard", "stop.hard"))
    assert [item.item for item, _ in in_turn([one, other])] == ["soft[1]", "hard[1]", "soft[2]", "hard[2]"]
    assert list(in_turn([])) == []


def test_clauses_without_a_mutant_are_those_of_level_must(tmp_path: Path) -> None:
    assert without_mutant(CLAUSES, [mutant(tmp_path, "stop.soft")]) == ("stop.hard",)
