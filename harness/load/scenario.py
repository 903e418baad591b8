"""One scenario file: from text to its items, one for each cell of its matrix, or to everything wrong with it."""

from __future__ import annotations

import functools
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar, cast

from harness.load.codes import Code
from harness.load.expand import Cell, Matrix, fill, read_matrix
from harness.load.files import read_text
from harness.load.nodes import MappingNode, Node, ScalarNode, SequenceNode
from harness.load.problems import Invalid, Problems, near, shown
from harness.load.steps import Broken, read_actor, read_step
from harness.load.validate import build
from harness.load.yaml import parse
from harness.model.scenario import BODY, Head, Scenario
from harness.model.source import InvalidInputError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

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
    return read_scenarios(text, str(path), name=path.relative_to(root).with_suffix("").as_posix(), clauses=clauses)


def read_scenarios(text: str, file: str, *, name: str, clauses: Clauses | None = None) -> tuple[Scenario, ...]:
    """The items in `text`, which came from `file`, under the id `name`. Raises InvalidInputError."""
    document = parse(text, file)
    problems = Problems()
    problems.found.extend(document.problems)
    scenarios: tuple[Scenario, ...] = ()
    if isinstance(document.root, MappingNode):
        scenarios = _Reader(document.root, name, clauses, problems).read()
    elif document.root is not None:
        problems.add(document.root, Code.WRONG_TYPE, f"expected a scenario, found {shown(document.root)}")
    if problems.found:
        raise InvalidInputError(tuple(sorted(problems.found, key=lambda problem: problem.location)))
    return scenarios


class _Reader:
    """Reads the cells of one file; what no variable touches is read once."""

    def __init__(self, root: MappingNode, name: str, clauses: Clauses | None, problems: Problems) -> None:
        self._root = root
        self._name = name
        self._clauses = clauses
        self._problems = problems
        self._read: dict[int, tuple[object, list[Problem]]] = {}
        self._used: set[str] = set()

    def read(self) -> tuple[Scenario, ...]:
        matrix = read_matrix(self._root.get("matrix"), self._problems)
        cells = matrix.cells
        found: list[tuple[Cell, list[Problem]]] = []
        scenarios = []
        for cell in cells:
            problems = Problems()
            scenario = self._read_cell(cell, problems)
            found.append((cell, problems.found))
            if scenario is not None:
                scenarios.append(scenario)
        self._problems.found.extend(_merge(found))
        self._check_use(matrix)
        return tuple(scenarios)

    def _read_cell(self, cell: Cell, problems: Problems) -> Scenario | None:
        entries = self._root.entries
        own = {key: (node, self._fill(value, cell)) for key, (node, value) in entries.items() if key not in BODY}
        head = build(Head, own, problems, where=self._root, noun="a scenario", also=BODY)
        if self._clauses is not None:
            _check_clauses(own.get("clauses"), self._root, self._clauses, problems)
        actors = self._read_actors(cell, problems)
        steps = self._read_steps("steps", cell, problems)
        always = self._read_steps("finally", cell, problems)
        if isinstance(head, Invalid) or problems.found:
            return None
        return Scenario(
            path=self._name,
            title=head.title,
            location=entries["scenario"][0].location,
            clauses=head.clauses,
            needs=frozenset(head.needs),
            tags=head.tags,
            cell=cell.labels,
            actors=cast("tuple[Actor, ...]", tuple(actors)),
            steps=cast("tuple[Step, ...]", tuple(steps)),
            always=cast("tuple[Step, ...]", tuple(always)),
            within=head.within,
        )

    def _read_actors(self, cell: Cell, problems: Problems) -> list[Actor | Broken]:
        node = self._root.get("actors")
        if node is None:
            problems.add(self._root, Code.MISSING_KEY, "a scenario needs `actors`")
            return []
        if not isinstance(node, MappingNode) or not node.entries:
            message = f"expected a mapping from names to actors, found {shown(node)}"
            problems.add(node, Code.WRONG_TYPE, message, "for example {d: {daemon: echo}, c: {client: d}}")
            return []
        return [
            self._once(value, cell, problems, functools.partial(read_actor, key))
            for key, value in node.entries.values()
        ]

    def _read_steps(self, word: str, cell: Cell, problems: Problems) -> list[Step | Broken]:
        node = self._root.get(word)
        if node is None:
            if word == "steps":
                problems.add(self._root, Code.MISSING_KEY, "a scenario needs `steps`")
            return []
        if not isinstance(node, SequenceNode) or not node.items:
            problems.add(node, Code.WRONG_TYPE, f"expected a list of steps, found {shown(node)}")
            return []
        return [self._once(item, cell, problems, read_step) for item in node.items]

    def _once(self, node: Node, cell: Cell, problems: Problems, read: Callable[[Node, Problems], T]) -> T:
        filled = self._fill(node, cell)
        known = self._read.get(id(node)) if filled is node else None
        if known is None:
            noted = Problems()
            known = read(filled, noted), noted.found
            if filled is node:
                self._read[id(node)] = known
        problems.found.extend(known[1])
        return cast("T", known[0])

    def _fill(self, node: Node, cell: Cell) -> Node:
        return fill(node, cell, self._used)

    def _check_use(self, matrix: Matrix) -> None:
        for key, _ in matrix.variables:
            if key.text not in self._used:
                message = f"nothing refers to `${{{key.text}}}`, so all its cells would be the same"
                self._problems.add(key, Code.UNUSED_VARIABLE, message)


def _merge(found: Iterable[tuple[Cell, list[Problem]]]) -> list[Problem]:
    """The problems of all cells, each once; one that some cells do not have says in which it was found first."""
    cells = list(found)
    counts = Counter(problem for _, problems in cells for problem in set(problems))
    merged: dict[Problem, None] = {}
    named: set[Problem] = set()
    for cell, problems in cells:
        for problem in problems:
            if counts[problem] == len(cells):
                merged[problem] = None
            elif problem not in named:
                named.add(problem)
                merged[replace(problem, message=f"{problem.message} (in the cell {cell})")] = None
    return list(merged)


def _check_clauses(
    entry: tuple[ScalarNode, Node] | None, root: MappingNode, clauses: Mapping[str, object], problems: Problems
) -> None:
    if entry is None:
        problems.add(root, Code.MISSING_KEY, "a scenario of this suite needs `clauses`: what does it check?")
        return
    node = entry[1]
    if not isinstance(node, SequenceNode):
        return
    if not node.items:
        problems.add(node, Code.MISSING_KEY, "a scenario of this suite names one clause at least")
    seen: set[str] = set()
    for item in node.items:
        if not isinstance(item, ScalarNode):
            continue
        if item.text in seen:
            problems.add(item, Code.DUPLICATE_VALUE, f"`{item.text}` stands here a second time")
        elif item.text not in clauses:
            problems.add(item, Code.UNKNOWN_CLAUSE, f"there is no clause `{item.text}`", near(item.text, clauses))
        seen.add(item.text)
