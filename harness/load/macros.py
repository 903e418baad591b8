"""Macros: steps that several scenarios share, in a file of their own.

    macros:
      log_in:
        does: connect, and give the name and password
        inputs: [client, name]
        defaults: {name: guest}
        outputs: [greeting]
        steps:
          - connect: "${client}"
          - talk: {to: "${client}", send: "name ${name}", expect: {starts_with: ok}}
            as: greeting

The inputs are filled in while everything is still nodes, as the variables of a matrix are, so that each use is checked
as if it had been written out. The names that the steps give are the macro's own: they get the name of the use for a
first part (`session.greeting`), which no author can write, and the outputs among them are found as
`${session.greeting}`.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from harness.load.codes import Code
from harness.load.expand import Cell, fill
from harness.load.files import read_text
from harness.load.nodes import MappingNode, Node, ScalarNode, SequenceNode
from harness.load.notes import Invalid, Notes, listed, near, shown
from harness.load.steps import Broken, Part, flattened, read_part, words_of
from harness.load.validate import build
from harness.load.yaml import parse
from harness.model.macros import MacroHead
from harness.model.source import Problem
from harness.model.values import Name, Reference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.model.steps import Step, Use

T = TypeVar("T")

SUFFIX = "macros.yaml"
"""How the name of a file of macros ends, so that it is not taken for a scenario."""
_REFERENCE = re.compile(r"\$\$|\$\{([A-Za-z_][A-Za-z0-9_-]*)")


@dataclass(frozen=True, slots=True)
class Macro:
    """One macro: its head, and the nodes of its defaults and steps."""

    head: MacroHead
    defaults: Mapping[str, ScalarNode]
    steps: SequenceNode


@functools.lru_cache(maxsize=256)
def _load(path: Path, stamp: tuple[int, int]) -> tuple[Mapping[str, Macro], tuple[Problem, ...]]:
    """The macros of a file, and everything wrong with it; `stamp` changes when the file does."""
    del stamp
    return load_macros(path)


def load_macros(path: Path) -> tuple[Mapping[str, Macro], tuple[Problem, ...]]:
    """The macros of a file by their names, and everything that is wrong with it but within their steps."""
    text = read_text(path)
    if isinstance(text, Problem):
        return {}, (text,)
    document = parse(text, str(path))
    notes = Notes()
    notes.problems.extend(document.problems)
    macros: dict[str, Macro] = {}
    if isinstance(document.root, MappingNode):
        macros = _read_file(document.root, notes)
    elif document.root is not None:
        notes.add(document.root, Code.WRONG_TYPE, f"expected `macros`, found {shown(document.root)}")
    return macros, tuple(notes.problems)


def _read_file(root: MappingNode, notes: Notes) -> dict[str, Macro]:
    for key, _ in root.entries.values():
        if key.text != "macros":
            notes.add(key, Code.UNKNOWN_KEY, f"`{key.text}` is not an option of a file of macros", "it has `macros`")
    node = root.get("macros")
    if not isinstance(node, MappingNode) or not node.entries:
        notes.add(node or root, Code.WRONG_TYPE, "expected `macros`, a mapping from names to macros")
        return {}
    read = {name: _read_macro(name, value, notes) for name, (_, value) in node.entries.items()}
    return {name: macro for name, macro in read.items() if macro is not None}


def _read_macro(name: str, node: Node, notes: Notes) -> Macro | None:
    if not isinstance(node, MappingNode):
        notes.add(node, Code.WRONG_TYPE, f"expected a macro, with `steps`, found {shown(node)}")
        return None
    also = ("defaults", "steps")
    entries = {key: entry for key, entry in node.entries.items() if key not in also}
    head = build(MacroHead, node, notes, noun=f"the macro `{name}`", entries=entries, also=also)
    steps = node.get("steps")
    if not isinstance(steps, SequenceNode) or not steps.items:
        notes.add(steps or node, Code.MISSING_KEY, f"the macro `{name}` needs `steps`, a list of them")
        return None
    if isinstance(head, Invalid):
        return None
    return Macro(head, _read_defaults(head, node.get("defaults"), notes), steps)


def _read_defaults(head: MacroHead, node: Node | None, notes: Notes) -> dict[str, ScalarNode]:
    if node is None:
        return {}
    if not isinstance(node, MappingNode):
        notes.add(node, Code.WRONG_TYPE, f"expected a mapping from inputs to values, found {shown(node)}")
        return {}
    return _inputs(node, head.inputs, notes)


def with_macro(part: Part[Step], step: Use, notes: Notes) -> Part[Step]:
    """The `use` with the steps of its macro, or Broken after noting why there are none."""
    found = _find(part, step, notes)
    values = None if found is None else _values(part, found, notes)
    if found is None or values is None:
        return Part(Broken(step.as_name, step.location, words_of(part.node)), part.node, part.uses)
    cell = Cell(tuple(values.items()))
    own = Notes()
    own.macros = (*notes.macros, step.macro)
    parts = [read_part(fill(node, cell, set()), own) for node in found.steps.items]
    notes.problems.extend(own.problems)
    name = step.as_name or f"{step.macro.rpartition('#')[2]}-{step.location.line}"
    given = {each.value.as_name for each in flattened(parts) if not isinstance(each.value, Broken)}
    names = {inner: f"{name}.{inner}" for inner in given if inner is not None}
    for output in found.head.outputs:
        if output not in given:
            message = f"the macro gives `{output}`, and no step of it has `as: {output}`"
            notes.add(found.steps, Code.UNDEFINED_NAME, message)
    parts = [_renamed(each, names) for each in parts]
    inner = tuple(each.value for each in parts if not isinstance(each.value, Broken))
    value = replace(step, steps=inner, outputs=found.head.outputs)
    return Part(value, part.node, part.uses, (parts,))


def _find(part: Part[Step], step: Use, notes: Notes) -> Macro | None:
    file, mark, name = step.macro.partition("#")
    where = part.place("use")
    if step.macro in notes.macros:
        notes.add(where, Code.UNKNOWN_MACRO, f"the macro `{name}` uses itself, so it has no end")
        return None
    if not mark or not file.endswith(SUFFIX):
        hint = f"for example shared.{SUFFIX}#name"
        notes.add(where, Code.UNKNOWN_MACRO, f"expected FILE#MACRO, the file's name ending in {SUFFIX}", hint)
        return None
    path = Path(part.node.file).parent / file
    try:
        status = path.stat()
        macros, problems = _load(path, (status.st_mtime_ns, status.st_size))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        notes.add(where, Code.UNKNOWN_MACRO, f"the file of macros {path} cannot be read: {reason}")
        return None
    notes.problems.extend(problems)
    if name not in macros:
        if not problems:
            hint = near(name, macros) or f"it has {listed(macros, 'and')}"
            notes.add(where, Code.UNKNOWN_MACRO, f"there is no macro `{name}` in {path}", hint)
        return None
    return macros[name]


def _values(part: Part[Step], macro: Macro, notes: Notes) -> dict[str, ScalarNode] | None:
    """A node for each input of the macro; None after noting which are wrong or missing."""
    node = _options(part.node).get("with")
    before = len(notes.problems)
    given = _inputs(node, macro.head.inputs, notes) if isinstance(node, MappingNode) else {}
    values = {**macro.defaults, **given}
    missing = [name for name in macro.head.inputs if name not in values]
    if missing and len(notes.problems) == before:
        message = f"the macro needs {listed(missing, 'and')}"
        notes.add(part.place("with"), Code.WRONG_INPUTS, message, f"`with: {{{missing[0]}: ...}}` gives it")
    return values if len(notes.problems) == before else None


def _options(node: Node) -> Mapping[str, Node]:
    """What stands beside `use` or within it."""
    assert isinstance(node, MappingNode)
    inside = node.get("use")
    entries = {**node.entries, **(inside.entries if isinstance(inside, MappingNode) else {})}
    return {key: value for key, (_, value) in entries.items()}


def _inputs(node: MappingNode, known: tuple[str, ...], notes: Notes) -> dict[str, ScalarNode]:
    values = {}
    for name, (key, value) in node.entries.items():
        if name not in known:
            hint = near(name, known) or (f"its inputs are {listed(known, 'and')}" if known else "it has none")
            notes.add(key, Code.WRONG_INPUTS, f"`{name}` is not an input of the macro", hint)
        elif not isinstance(value, ScalarNode):
            notes.add(value, Code.WRONG_INPUTS, f"an input is a single value, and `{name}` is {shown(value)}")
        else:
            values[name] = value
    return values


def _renamed(part: Part[Step], names: Mapping[str, str]) -> Part[Step]:
    blocks = [[_renamed(inner, names) for inner in block] for block in part.blocks]
    uses = [replace(use, path=_path(use.path, names)) for use in part.uses]
    value = part.value if isinstance(part.value, Broken) else _with_names(part.value, names)
    return Part(value, part.node, uses, blocks)


def _path(path: tuple[str, ...], names: Mapping[str, str]) -> tuple[str, ...]:
    return (names.get(path[0], path[0]), *path[1:])


def _with_names(value: T, names: Mapping[str, str]) -> T:
    """A value of the model with other names in it, however deep they stand."""
    new: object
    match value:
        case Name() | Reference():
            new = replace(value, path=_path(value.path, names))
        case tuple() | list():
            new = type(value)(_with_names(each, names) for each in value)
        case dict():
            new = {key: _with_names(each, names) for key, each in value.items()}
        case str() if "${" in value:
            new = _REFERENCE.sub(lambda found: "${" + names.get(found[1], found[1]) if found[1] else found[0], value)
        case _ if is_dataclass(value) and not isinstance(value, type):
            changes = {spec.name: _with_names(getattr(value, spec.name), names) for spec in fields(value)}
            if isinstance(changes.get("as_name"), str):
                changes["as_name"] = names.get(changes["as_name"], changes["as_name"])
            new = replace(value, **changes)
        case _:
            new = value
    return cast("T", new)
