"""The matrix: every combination, values in place of references, and nothing else touched."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.load.expand import MAX_CELLS, Cell, fill, read_matrix
from harness.load.nodes import MappingNode, Node, ScalarNode, SequenceNode
from harness.load.notes import Notes
from harness.load.yaml import parse

patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Machines that do much else are slow at times."""


def node_of(text: str) -> Node:
    root = parse(text, "f").root
    assert root is not None
    return root


def matrix_cells(text: str) -> list[tuple[tuple[str, str], ...]]:
    notes = Notes()
    matrix = read_matrix(node_of(text), notes)
    assert notes.problems == []
    assert matrix is not None
    return [cell.labels for cell in matrix.cells]


def cell(**values: str) -> Cell:
    return Cell(
        tuple((name, ScalarNode(text, plain=True, file="f", line=1, column=1)) for name, text in values.items())
    )


def filled(text: str, **values: str) -> Node:
    return fill(node_of(text), cell(**values), set())


def test_without_a_matrix_there_is_one_cell() -> None:
    matrix = read_matrix(None, Notes())
    assert matrix is not None
    assert [str(each) for each in matrix.cells] == ["[]"]


def test_the_last_variable_changes_fastest() -> None:
    assert matrix_cells("{b: [1, 2], a: [x, y]}") == [
        (("b", "1"), ("a", "x")),
        (("b", "1"), ("a", "y")),
        (("b", "2"), ("a", "x")),
        (("b", "2"), ("a", "y")),
    ]


def test_the_number_of_cells_has_a_limit() -> None:
    assert len(matrix_cells(f"{{a: {list(range(MAX_CELLS))}}}")) == MAX_CELLS
    assert read_matrix(node_of(f"{{a: {list(range(MAX_CELLS))}, b: [1, 2]}}"), Notes()) is None


@pytest.mark.parametrize("text", ["[a]", "{}", "{a: b}", "{a: []}", "{a: [[b]]}", "{1: [a]}", "{a b: [a]}"])
def test_what_is_no_matrix_is_refused(text: str) -> None:
    notes = Notes()
    assert read_matrix(node_of(text), notes) is None
    assert len(notes.problems) == 1


@pytest.mark.parametrize("value", ['"a,b"', '"[a]"', '""', '"a\\nb"', "x" * 81])
def test_a_value_that_cannot_stand_in_a_name_is_refused(value: str) -> None:
    notes = Notes()
    read_matrix(node_of(f"{{a: [{value}, b]}}"), notes)
    assert [problem.code for problem in notes.problems] == ["bad-matrix"]


def test_a_whole_value_stands_in_place_of_its_reference() -> None:
    value = filled('["${a}"]', a="0")
    assert isinstance(value, SequenceNode)
    assert value.items == [ScalarNode("0", plain=True, file="f", line=1, column=2)]


def test_a_part_of_a_text_stays_text() -> None:
    value = filled('["x${a}y${b}"]', a="0", b="1")
    assert isinstance(value, SequenceNode)
    assert value.items == [ScalarNode("x0y1", plain=False, file="f", line=1, column=2)]


@pytest.mark.parametrize("text", ["$${a}", "$a", "${b}", "${a.b}", "${ a}", "$$$${a}"])
def test_what_is_no_reference_to_a_variable_stays(text: str) -> None:
    node = node_of(f'{{k: ["{text}"]}}')
    assert fill(node, cell(a="0"), set()) is node


def test_a_dollar_before_a_reference_is_kept_as_written() -> None:
    value = filled('["$$${a}"]', a="0")
    assert isinstance(value, SequenceNode)
    assert [item.text for item in value.items if isinstance(item, ScalarNode)] == ["$$0"]


def test_keys_are_not_touched() -> None:
    node = node_of('{"${a}": b}')
    assert fill(node, cell(a="0"), set()) is node


def test_the_variables_that_are_met_are_told() -> None:
    used: set[str] = set()
    fill(node_of('{x: ["${a}", "${c:-1}"]}'), cell(a="0", b="1", c="2"), used)
    assert used == {"a", "c"}


def test_only_what_holds_a_variable_is_made_anew() -> None:
    node = node_of('{same: [x, "${other}"], changed: ["${a}"]}')
    new = fill(node, cell(a="0"), set())
    assert isinstance(node, MappingNode)
    assert isinstance(new, MappingNode)
    assert new.get("same") is node.get("same")
    assert new.get("changed") is not node.get("changed")


@patient
@given(
    st.recursive(st.sampled_from(["x", "$$", "${b}", "$${a}"]), lambda inner: st.lists(inner, max_size=3), max_leaves=8)
)
def test_a_part_without_a_variable_is_the_same_object(data: object) -> None:
    node = node_of(f"{{k: {data!r}}}")
    assert fill(node, cell(a="0"), set()) is node
