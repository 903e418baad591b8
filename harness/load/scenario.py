"""One scenario file: from text to its items, one for each cell of its matrix, or to everything wrong with it."""

from __future__ import annotations

import functools
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from harness.load.codes import Code
from harness.load.defaults import (
    EVERY,
    check_defaults,
    check_use_of_defaults,
    folders_of,
    load_defaults,
    with_defaults,
)
from harness.load.expand import Cell, Matrix, fill, read_matrix
from harness.load.files import read_text
from harness.load.functions import check_function
from harness.load.lint import lint_actor, lint_places, lint_step
from harness.load.names import check_names, check_use
from harness.load.nodes import MappingNode, Node, ScalarNode, SequenceNode
from harness.load.notes import Invalid, Notes, near, shown
from harness.load.order import check_order
from harness.load.pairing import check_pairs
from harness.load.steps import Broken, Part, flattened, read_actor, read_part
from harness.load.validate import build, note_missing
from harness.load.yaml import parse
from harness.model.scenario import BODY, Head, Scenario
from harness.model.source import InvalidInputError, Problem
from harness.model.values import Duration

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.model.actors import Actor
    from harness.model.clauses import Clauses
    from harness.model.steps import Step

T = TypeVar("T")


def load_scenarios(path: Path, *, root: Path, clauses: Clauses | None = None) -> tuple[Scenario, ...]:
    """The items of the scenario file; `root` is the directory that their ids begin below.

    With `clauses`, the scenario has to name some of them. Raises InvalidInputError with every problem of the file.
    """
    text = read_text(path)
    if isinstance(text, Problem):
        raise InvalidInputError((text,))
    folders = tuple(load_defaults(file) for file in folders_of(path))
    return read_scenarios(text, str(path), name=name_of(path, root), clauses=clauses, folders=folders)


def name_of(path: Path, root: Path) -> str:
    """The id of a file's items without the cell: its path below the root, or its name alone when it is elsewhere."""
    below = os.path.relpath(path, root)
    if below.startswith(".."):
        below = path.name
    return Path(below).with_suffix("").as_posix()


def read_scenarios(
    text: str,
    file: str,
    *,
    name: str,
    clauses: Clauses | None = None,
    folders: Sequence[tuple[MappingNode | None, tuple[Problem, ...]]] = (),
) -> tuple[Scenario, ...]:
    """The items in `text`, which came from `file`, under the id `name`. Raises InvalidInputError.

    `folders` are the defaults of the folders that the file is in, the farthest first, with what is wrong with them.
    """
    document = parse(text, file)
    notes = Notes()
    notes.problems.extend(document.problems)
    notes.problems.extend(problem for _, problems in folders for problem in problems)
    scenarios: tuple[Scenario, ...] = ()
    if isinstance(document.root, MappingNode):
        check_defaults(document.root, notes)
        check_use_of_defaults(document.root, notes)
        root = with_defaults(document.root, [node for node, _ in folders if node is not None])
        scenarios = _Reader(root, name, clauses, notes).read()
    elif document.root is not None:
        notes.add(document.root, Code.WRONG_TYPE, f"expected a scenario, found {shown(document.root)}")
    if notes.problems:
        # A default that is wrong is wrong in every actor that has it.
        raise InvalidInputError(tuple(sorted(dict.fromkeys(notes.problems), key=lambda problem: problem.location)))
    return scenarios


class _Reader:
    """Reads the cells of one file; what no variable touches is read once."""

    def __init__(self, root: MappingNode, name: str, clauses: Clauses | None, notes: Notes) -> None:
        self._root = root
        self._name = name
        self._clauses = clauses
        self._notes = notes
        self._read: dict[int, tuple[object, Notes]] = {}
        self._used: set[str] = set()
        head = {key: entry for key, entry in root.entries.items() if key not in BODY}
        self._head = MappingNode(head, root.file, root.line, root.column, root.is_partial)

    def read(self) -> tuple[Scenario, ...]:
        matrix = read_matrix(self._root.get("matrix"), self._notes)
        if matrix is None:
            return ()
        found: list[tuple[Cell, list[Problem]]] = []
        scenarios = []
        for cell in matrix.cells:
            notes = Notes()
            scenario = self._read_cell(cell, notes)
            found.append((cell, notes.problems))
            if scenario is not None:
                scenarios.append(scenario)
        self._notes.problems.extend(_merge(found))
        if not self._notes.problems:
            self._check_use(matrix)
        return tuple(scenarios)

    def _read_cell(self, cell: Cell, notes: Notes) -> Scenario | None:
        head = self._once(self._head, cell, notes, self._read_head)
        actors = self._read_actors(cell, notes)
        steps = self._read_steps("steps", cell, notes)
        always = self._read_steps("finally", cell, notes)
        every = [*steps, *always]
        used = check_names(actors, every, cell, notes)
        alone = list(flattened(every))
        check_order(actors, alone, notes)
        check_pairs(actors, alone, notes, needs=() if isinstance(head, Invalid) else head.needs)
        if not notes.problems and not self._notes.problems:
            # Said only of a file that is right otherwise: a mistake elsewhere can make a thing look unused.
            check_use(actors, alone, used, notes)
        if isinstance(head, Invalid) or notes.problems:
            return None
        return Scenario(
            path=self._name,
            title=head.title,
            location=self._root.entries["scenario"][0].location,
            clauses=head.clauses,
            needs=frozenset(head.needs),
            tags=head.tags,
            cell=cell.labels,
            actors=tuple(part.value for part in actors if not isinstance(part.value, Broken)),
            steps=tuple(part.value for part in steps if not isinstance(part.value, Broken)),
            always=tuple(part.value for part in always if not isinstance(part.value, Broken)),
            within=head.within if isinstance(head.within, Duration) else (head.within or {}).get(EVERY),
            limits=() if isinstance(head.within, Duration) else tuple((head.within or {}).items()),
        )

    def _read_head(self, node: Node, notes: Notes) -> Head | Invalid:
        assert isinstance(node, MappingNode)
        if self._clauses is not None:
            _check_clauses(node, self._clauses, notes)
        return build(Head, node, notes, noun="a scenario file", also=BODY)

    def _read_actors(self, cell: Cell, notes: Notes) -> list[Part[Actor]]:
        node = self._root.get("actors")
        if node is None:
            note_missing("actors", self._root, notes, noun="a scenario file")
            return []
        if not isinstance(node, MappingNode) or not node.entries:
            message = f"expected a mapping from names to actors, found {shown(node)}"
            notes.add(node, Code.WRONG_TYPE, message, "for example {d: {daemon: echo}, c: {client: d}}")
            return []
        return [
            self._once(value, cell, notes, functools.partial(_actor_part, key)) for key, value in node.entries.values()
        ]

    def _read_steps(self, word: str, cell: Cell, notes: Notes) -> list[Part[Step]]:
        node = self._root.get(word)
        if node is None:
            if word == "steps":
                note_missing("steps", self._root, notes, noun="a scenario file")
            return []
        if not isinstance(node, SequenceNode) or not node.items:
            notes.add(node, Code.WRONG_TYPE, f"expected a list of steps, found {shown(node)}")
            return []
        return [self._once(item, cell, notes, _step_part) for item in node.items]

    def _once(self, node: Node, cell: Cell, notes: Notes, read: Callable[[Node, Notes], T]) -> T:
        """What `read` makes of the node in this cell; the same for all cells when no variable stands in it."""
        known = self._read.get(id(node))
        if known is None:
            filled, own = self._fill(node, cell), Notes()
            known = read(filled, own), own
            if filled is node:
                self._read[id(node)] = known
        notes.problems.extend(known[1].problems)
        notes.suggested |= known[1].suggested
        return cast("T", known[0])

    def _fill(self, node: Node, cell: Cell) -> Node:
        return fill(node, cell, self._used)

    def _check_use(self, matrix: Matrix) -> None:
        for key, _ in matrix.variables:
            if key.text not in self._used:
                message = f"nothing refers to `${{{key.text}}}`, so all its cells would be the same"
                self._notes.add(key, Code.UNUSED_VARIABLE, message)


def _actor_part(key: ScalarNode, node: Node, notes: Notes) -> Part[Actor]:
    part: Part[Actor] = Part(read_actor(key, node, notes), node, notes.uses)
    lint_actor(part, notes)
    return part


def _step_part(node: Node, notes: Notes) -> Part[Step]:
    part = read_part(node, notes)
    for each in flattened([part]):
        lint_step(each, notes)
        check_function(each, notes)
    lint_places(part, notes)
    return part


def _merge(found: list[tuple[Cell, list[Problem]]]) -> list[Problem]:
    """The problems of all cells, each once; one that some cells do not have says in which it was found first."""
    counts = Counter(problem for _, problems in found for problem in set(problems))
    first = {problem: cell for cell, problems in reversed(found) for problem in reversed(problems)}
    return [
        problem
        if counts[problem] == len(found)
        else replace(problem, message=f"{problem.message} (in the cell {cell})")
        for problem, cell in first.items()
    ]


def _check_clauses(head: MappingNode, clauses: Clauses, notes: Notes) -> None:
    node = head.get("clauses")
    if node is None:
        notes.add(head, Code.MISSING_KEY, "a scenario of this suite needs `clauses`: what does it check?")
    if not isinstance(node, SequenceNode):
        return
    if not node.items:
        notes.add(node, Code.MISSING_KEY, "a scenario of this suite names one clause at least")
    seen: set[str] = set()
    for item in node.items:
        if not isinstance(item, ScalarNode):
            continue
        if item.text in seen:
            notes.add(item, Code.DUPLICATE_VALUE, f"`{item.text}` stands here a second time")
        elif item.text not in clauses:
            notes.add(item, Code.UNKNOWN_CLAUSE, f"there is no clause `{item.text}`", near(item.text, clauses))
        seen.add(item.text)
