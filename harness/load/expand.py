"""The matrix: one scenario file, one item for each combination of its variables.

`${listen}` is filled in while everything is still nodes, so that a value that is nothing but a reference keeps the type
of what it stands for, and every cell is checked as if it had been written out. A part of the file that refers to no
variable is the same object in every cell, which lets the caller check it once.
"""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import dataclass

from harness.load.codes import Code
from harness.load.nodes import MappingNode, Node, ScalarNode, SequenceNode
from harness.load.notes import Notes, quoted, shown
from harness.load.scalars import NAME

MAX_CELLS = 256

_REFERENCE = re.compile(r"\$\$|\$\{([A-Za-z_][A-Za-z0-9_-]*)(?::-[^{}]*)?\}")
_LABEL = re.compile(r"[^\[\],\x00-\x1f\x7f]{1,80}")


@dataclass(frozen=True, slots=True)
class Cell:
    """One combination: the variables, in the order of the file, each with the node of its value."""

    values: tuple[tuple[str, ScalarNode], ...]

    @property
    def labels(self) -> tuple[tuple[str, str], ...]:
        """The variables and their values as text."""
        return tuple((name, node.text) for name, node in self.values)

    def __str__(self) -> str:
        return f"[{','.join(node.text for _, node in self.values)}]"


@dataclass(frozen=True, slots=True)
class Matrix:
    """The variables of a file, with the nodes of their keys and values."""

    variables: tuple[tuple[ScalarNode, tuple[ScalarNode, ...]], ...] = ()

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Every combination, the last variable changing fastest; one without any variable when there is no matrix."""
        names = [key.text for key, _ in self.variables]
        product = itertools.product(*(values for _, values in self.variables))
        return tuple(Cell(tuple(zip(names, values, strict=True))) for values in product)


def read_matrix(node: Node | None, notes: Notes) -> Matrix | None:
    """The matrix of a file, with the values that are right; None where there is too little to go on."""
    if node is None:
        return Matrix()
    if not isinstance(node, MappingNode) or not node.entries:
        message = f"expected a mapping from variables to lists of values, found {shown(node)}"
        notes.add(node, Code.WRONG_TYPE, message, "for example {listen: [tcp, unix]}")
        return None
    variables = []
    for key, value in node.entries.values():
        values = _read_values(key, value, notes)
        if not values:
            return None
        variables.append((key, values))
    cells = math.prod(len(values) for _, values in variables)
    if cells > MAX_CELLS:
        notes.add(node, Code.BAD_MATRIX, f"the matrix has {cells:,} cells: {MAX_CELLS} are the limit")
        return None
    return Matrix(tuple(variables))


def _read_values(key: ScalarNode, value: Node, notes: Notes) -> tuple[ScalarNode, ...]:
    if not NAME.fullmatch(key.text):
        notes.add(key, Code.BAD_NAME, f"expected the name of a variable, found {shown(key)}")
        return ()
    if not isinstance(value, SequenceNode) or not value.items:
        notes.add(value, Code.WRONG_TYPE, f"expected a list of values, found {shown(value)}")
        return ()
    values: dict[str, ScalarNode] = {}
    for item in value.items:
        if not isinstance(item, ScalarNode) or not _LABEL.fullmatch(item.text):
            message = f"expected a single value, without `[`, `]` and `,`, found {shown(item)}"
            notes.add(item, Code.BAD_MATRIX, message, "it becomes part of the item's name")
        elif item.text in values:
            notes.add(item, Code.DUPLICATE_VALUE, f"{quoted(item.text)} stands here a second time")
        else:
            values[item.text] = item
    return tuple(values.values())


def fill(node: Node, cell: Cell, used: set[str]) -> Node:
    """The node with the cell's values in place of references to them; the node itself where there are none.

    The names of the variables that were met are added to `used`.
    """
    if not cell.values:
        return node
    return _fill(node, dict(cell.values), used)


def _fill(node: Node, values: dict[str, ScalarNode], used: set[str]) -> Node:
    match node:
        case ScalarNode():
            return _fill_scalar(node, values, used) if "${" in node.text else node
        case SequenceNode():
            items = [_fill(item, values, used) for item in node.items]
            if all(new is old for new, old in zip(items, node.items, strict=True)):
                return node
            return SequenceNode(items, node.file, node.line, node.column)
        case MappingNode():
            entries = {name: (key, _fill(value, values, used)) for name, (key, value) in node.entries.items()}
            if all(entries[name][1] is value for name, (_, value) in node.entries.items()):
                return node
            return MappingNode(entries, node.file, node.line, node.column)


def _fill_scalar(node: ScalarNode, values: dict[str, ScalarNode], used: set[str]) -> ScalarNode:
    whole = _REFERENCE.fullmatch(node.text)
    if whole is not None and whole[1] in values:
        used.add(whole[1])
        value = values[whole[1]]
        return ScalarNode(value.text, value.plain, node.file, node.line, node.column)

    def replace(found: re.Match[str]) -> str:
        if found[1] not in values:
            return found[0]
        used.add(found[1])
        return values[found[1]].text

    text = _REFERENCE.sub(replace, node.text)
    return (
        node if text == node.text else ScalarNode(text, plain=False, file=node.file, line=node.line, column=node.column)
    )
