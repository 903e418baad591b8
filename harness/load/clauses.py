"""The list of clauses of a suite: a mapping from topics to lists of clauses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.load.codes import Code
from harness.load.files import read_text
from harness.load.nodes import MappingNode, Node, SequenceNode
from harness.load.notes import Invalid, Notes, shown
from harness.load.validate import build
from harness.load.yaml import parse
from harness.model.clauses import Clause, Clauses
from harness.model.source import InvalidInputError, Problem

if TYPE_CHECKING:
    from pathlib import Path

CLAUSES_FILE = "clauses.yaml"
"""The name of a suite's list of clauses, in the folder that the ids of its items begin below."""


def load_clauses(path: Path) -> Clauses:
    """The clauses in the file. Raises InvalidInputError with all that is wrong with it."""
    text = read_text(path)
    if isinstance(text, Problem):
        raise InvalidInputError((text,))
    document = parse(text, str(path))
    notes = Notes()
    notes.problems.extend(document.problems)
    clauses: dict[str, Clause] = {}
    if isinstance(document.root, MappingNode):
        for topic, (_, node) in document.root.entries.items():
            _read_topic(topic, node, clauses, notes)
    elif document.root is not None:
        message = f"expected a mapping from topics to lists of clauses, found {shown(document.root)}"
        notes.add(document.root, Code.WRONG_TYPE, message)
    if notes.problems:
        raise InvalidInputError(tuple(sorted(notes.problems, key=lambda problem: problem.location)))
    return clauses


def _read_topic(topic: str, node: Node, clauses: dict[str, Clause], notes: Notes) -> None:
    if not isinstance(node, SequenceNode):
        notes.add(node, Code.WRONG_TYPE, f"expected a list of clauses, found {shown(node)}")
        return
    for item in node.items:
        if not isinstance(item, MappingNode):
            notes.add(item, Code.WRONG_TYPE, f"expected a clause, found {shown(item)}")
            continue
        given = {"location": item.location, "topic": topic}
        clause = build(Clause, item, notes, noun="a clause", given=given)
        if isinstance(clause, Invalid):
            continue
        first = clauses.setdefault(clause.id, clause)
        if first is not clause:
            hint = f"the first is at line {first.location.line}"
            notes.add(item, Code.DUPLICATE_NAME, f"there is a second clause `{clause.id}`", hint)
