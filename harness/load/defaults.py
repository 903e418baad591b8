"""Defaults: what a file, and the folders that it is in, say for every actor and step that does not say otherwise.

    scenarios/defaults.yaml           needs: [daemon]
    scenarios/slow/defaults.yaml      tags: [slow]
                                      within: {every: 10s, start: 1m}
                                      matrix: {listen: [tcp, unix]}
                                      defaults:
                                        daemon: {listen: "${listen}"}

All of it is put in while everything is still nodes, each with its own file and place: the scenario is then read as if
it had been written out, and a mistake is told where it stands. What is nearest counts: the actor or step, its file, its
folder, the folders above up to the one that has a clauses.yaml (else a repository's, else all). Tags add up. Of a
folder's matrix a file has the variables that it refers to.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from harness.load.clauses import CLAUSES_FILE
from harness.load.codes import Code
from harness.load.files import read_text
from harness.load.nodes import MappingNode, Node, ScalarNode, SequenceNode
from harness.load.notes import Notes, listed, near, shown
from harness.load.steps import KINDS
from harness.load.validate import options_of
from harness.load.yaml import parse
from harness.model.source import Problem
from harness.model.steps import VERBS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.load.yaml import Document

    Entries = dict[str, tuple[ScalarNode, Node]]

DEFAULTS_FILE = "defaults.yaml"
"""The name of a folder's file, which is no scenario."""
EVERY = "every"
"""Stands under `within` for all verbs that are not named there."""
FOLDER_KEYS = ("tags", "needs", "within", "matrix", "defaults")
"""What a folder's file may have."""
_VARIABLE = re.compile(r"\$\$|\$\{([A-Za-z_][A-Za-z0-9_-]*)")


def load_defaults(path: Path) -> tuple[MappingNode | None, tuple[Problem, ...]]:
    """A folder's file as nodes, and everything wrong with its form; its values are looked at where they are used."""
    try:
        status = path.stat()
    except OSError:
        return _load(path, (0, 0))
    return _load(path, (status.st_mtime_ns, status.st_size))


@functools.lru_cache(maxsize=256)
def _load(path: Path, stamp: tuple[int, int]) -> tuple[MappingNode | None, tuple[Problem, ...]]:
    """`stamp` changes when the file does."""
    del stamp
    text = read_text(path)
    if isinstance(text, Problem):
        return None, (text,)
    document: Document = parse(text, str(path))
    notes = Notes()
    notes.problems.extend(document.problems)
    root = document.root
    if not isinstance(root, MappingNode):
        if root is not None:
            notes.add(root, Code.WRONG_TYPE, f"expected defaults for the scenarios below, found {shown(root)}")
        return None, tuple(notes.problems)
    for word, (key, _) in root.entries.items():
        if word not in FOLDER_KEYS:
            hint = near(word, FOLDER_KEYS) or f"it may have {listed(FOLDER_KEYS, 'and')}"
            notes.add(key, Code.UNKNOWN_KEY, f"`{word}` is not an option of a folder's defaults", hint)
    check_defaults(root, notes)
    return root, tuple(notes.problems)


def folders_of(path: Path) -> Iterator[Path]:
    """The files of defaults that count for a scenario file, the farthest first."""
    found = []
    folder = path.parent
    for _ in path.absolute().parts:
        if (folder / DEFAULTS_FILE).is_file():
            found.append(folder / DEFAULTS_FILE)
        if (folder / CLAUSES_FILE).is_file() or (folder / ".git").exists():
            break
        folder = folder.parent if folder.name not in ("", "..") else folder / ".."
    yield from reversed(found)


def check_defaults(root: MappingNode, notes: Notes) -> None:
    """Note what stands under `within` and `defaults` for verbs, kinds and options that there are not."""
    within = root.get("within")
    if isinstance(within, MappingNode):
        _check_verbs(within, notes)
    kinds = root.get("defaults")
    if kinds is None:
        return
    if not isinstance(kinds, MappingNode) or not kinds.entries:
        message = f"expected a mapping from kinds of actor to their options, found {shown(kinds)}"
        notes.add(kinds, Code.WRONG_TYPE, message, "for example {daemon: {listen: unix}}")
        return
    for kind, (key, options) in kinds.entries.items():
        if kind not in KINDS:
            hint = near(kind, KINDS) or f"kinds: {', '.join(KINDS)}"
            notes.add(key, Code.UNKNOWN_KEY, f"`{kind}` is not a kind of actor", hint)
        elif not isinstance(options, MappingNode) or not options.entries:
            notes.add(options, Code.WRONG_TYPE, f"expected options of a `{kind}`, found {shown(options)}")
        else:
            _check_options(kind, options, notes)


def check_use_of_defaults(root: MappingNode, notes: Notes) -> None:
    """Note defaults of a file for kinds of which it has no actor."""
    kinds, actors = root.get("defaults"), root.get("actors")
    if not isinstance(kinds, MappingNode) or not isinstance(actors, MappingNode):
        return
    words = {word for _, actor in actors.entries.values() if isinstance(actor, MappingNode) for word in actor.entries}
    for kind, (key, _) in kinds.entries.items():
        if kind in KINDS and kind not in words:
            notes.add(key, Code.NO_EFFECT, f"no actor of this file is a {kind}")


def _check_verbs(within: MappingNode, notes: Notes) -> None:
    waiting = [EVERY, *(word for word, verb in VERBS.items() if verb.limit is not None)]
    for word, (key, _) in within.entries.items():
        if word in waiting:
            continue
        if word in VERBS:
            notes.add(key, Code.NO_EFFECT, f"`{word}` does not wait, so `within` does nothing")
        else:
            notes.add(key, Code.UNKNOWN_KEY, f"`{word}` is not a verb", near(word, waiting))


def _check_options(kind: str, options: MappingNode, notes: Notes) -> None:
    known = [option.key for option in options_of(KINDS[kind]).by_key.values() if not option.is_subject]
    for word, (key, _) in options.entries.items():
        if word == kind:
            notes.add(key, Code.NO_EFFECT, f"every `{kind}` has its own `{word}`, which tells its kind")
        elif word not in known:
            hint = near(word, known) or f"known here: {', '.join(known)}"
            notes.add(key, Code.UNKNOWN_KEY, f"`{word}` is not an option of a `{kind}`", hint)


def with_defaults(root: MappingNode, folders: Sequence[MappingNode]) -> MappingNode:
    """The file, with what it and its folders have for defaults put in where nothing else stands."""
    if not folders and "defaults" not in root.entries:
        return root
    levels = [*folders, root]
    entries: Entries = {key: entry for key, entry in root.entries.items() if key != "defaults"}
    for level in folders:
        if "needs" in level.entries and "needs" not in root.entries:
            entries["needs"] = level.entries["needs"]
    for key, merged in (("tags", _tags(levels)), ("within", _within(levels)), ("matrix", _matrix(root, levels))):
        if merged is not None:
            entries[key] = merged
    actors = root.get("actors")
    if isinstance(actors, MappingNode):
        entries["actors"] = root.entries["actors"][0], _with_options(actors, levels)
    return MappingNode(entries, root.file, root.line, root.column, root.is_partial)


def _tags(levels: Sequence[MappingNode]) -> tuple[ScalarNode, Node] | None:
    given = [level.entries["tags"] for level in levels if "tags" in level.entries]
    lists = [node for _, node in given if isinstance(node, SequenceNode)]
    if len(given) < 2 or len(lists) < len(given):
        return given[-1] if given else None
    items = {
        item.text if isinstance(item, ScalarNode) else str(id(item)): item for node in lists for item in node.items
    }
    key, last = given[-1]
    return key, SequenceNode(list(items.values()), last.file, last.line, last.column)


def _within(levels: Sequence[MappingNode]) -> tuple[ScalarNode, Node] | None:
    given = [level.entries["within"] for level in levels if "within" in level.entries]
    if len(given) < 2:
        return given[-1] if given else None
    limits: Entries = {}
    for key, node in given:
        if not isinstance(node, MappingNode):
            limits = {EVERY: (ScalarNode(EVERY, plain=True, file=key.file, line=key.line, column=key.column), node)}
        else:
            limits = {**({} if EVERY in node.entries else limits), **node.entries}
    key, last = given[-1]
    return key, MappingNode(limits, last.file, last.line, last.column)


def _matrix(root: MappingNode, levels: Sequence[MappingNode]) -> tuple[ScalarNode, Node] | None:
    own = root.entries.get("matrix")
    variables: Entries = {}
    for level in levels[:-1]:
        matrix = level.get("matrix")
        if isinstance(matrix, MappingNode):
            variables |= matrix.entries
    if own is not None and not isinstance(own[1], MappingNode):
        return own
    used = set(_variables([root, *(node for level in levels if (node := level.get("defaults")) is not None)]))
    used -= {name for name in used if name not in variables}
    mine = own[1].entries if own is not None and isinstance(own[1], MappingNode) else {}
    merged = {**{name: entry for name, entry in variables.items() if name in used}, **mine}
    if not merged:
        return own
    key, place = own if own is not None else next(iter(merged.values()))
    return key, MappingNode(merged, place.file, place.line, place.column)


def _with_options(actors: MappingNode, levels: Sequence[MappingNode]) -> MappingNode:
    options: dict[str, Entries] = {}
    for level in levels:
        kinds = level.get("defaults")
        for kind, (_, node) in kinds.entries.items() if isinstance(kinds, MappingNode) else ():
            if isinstance(node, MappingNode):
                known = {word: entry for word, entry in node.entries.items() if _is_option(kind, word)}
                options[kind] = {**options.get(kind, {}), **known}
    entries = {name: (key, _filled(node, options)) for name, (key, node) in actors.entries.items()}
    return MappingNode(entries, actors.file, actors.line, actors.column, actors.is_partial)


def _is_option(kind: str, word: str) -> bool:
    return kind in KINDS and word != kind and word in options_of(KINDS[kind]).by_key


def _filled(actor: Node, options: Mapping[str, Entries]) -> Node:
    if not isinstance(actor, MappingNode):
        return actor
    kinds = [word for word in actor.entries if word in KINDS]
    more = options.get(kinds[0], {}) if len(kinds) == 1 else {}
    if not more:
        return actor
    return MappingNode({**more, **actor.entries}, actor.file, actor.line, actor.column, actor.is_partial)


def _variables(nodes: Sequence[Node]) -> Iterator[str]:
    for node in nodes:
        match node:
            case ScalarNode():
                yield from (name for name in _VARIABLE.findall(node.text) if name)
            case SequenceNode():
                yield from _variables(node.items)
            case MappingNode():
                yield from _variables([value for _, value in node.entries.values()])
