"""Manifests: what an implementation is, from its YAML file."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from harness.load.codes import Code
from harness.load.files import read_text
from harness.load.nodes import MappingNode, Node, SequenceNode
from harness.load.notes import Invalid, Notes, listed, near, shown
from harness.load.validate import build
from harness.load.yaml import parse
from harness.model.manifest import (
    RISER_SIGNALS,
    Action,
    KnownFailure,
    Manifest,
    WrittenFailure,
    WrittenManifest,
)
from harness.model.source import InvalidInputError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.model.values import Reference, SignalName, Text

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def load_manifest(path: Path) -> Manifest:
    """The manifest in the file. Raises InvalidInputError with all that is wrong with it."""
    text = read_text(path)
    if isinstance(text, Problem):
        raise InvalidInputError((text,))
    document = parse(text, str(path))
    notes = Notes()
    notes.problems.extend(document.problems)
    manifest = None
    if isinstance(document.root, MappingNode):
        manifest = _read(document.root, path, notes)
    elif document.root is not None:
        notes.add(document.root, Code.WRONG_TYPE, f"expected a manifest, found {shown(document.root)}")
    if notes.problems or manifest is None:
        raise InvalidInputError(tuple(sorted(notes.problems, key=lambda problem: problem.location)))
    return manifest


def _read(root: MappingNode, path: Path, notes: Notes) -> Manifest | None:
    written = build(WrittenManifest, root, notes, noun="a manifest")
    _check_signals(root.get("signals"), notes)
    _check_not_empty(root, notes)
    if isinstance(written, Invalid):
        return None
    if not _NAME.fullmatch(written.name):
        notes.add(root.entries["name"][1], Code.BAD_NAME, "a manifest's name has letters, digits, `-`, `_` and `.`")
    here = path.absolute().parent
    values = {"python": sys.executable, "here": str(here)}
    version = written.version
    return Manifest(
        name=written.name,
        language=written.language,
        version=version if isinstance(version, str) else _fill_all(version, values, notes),
        homepage=written.homepage,
        command=_fill_all(written.command, values, notes),
        profiles=frozenset(written.profiles),
        directory=str(here),
        setup=written.setup,
        signals={**RISER_SIGNALS, **_signals_of(written.signals)},
        known=tuple(_known(failure, notes) for failure in written.known),
    )


def _check_signals(node: Node | None, notes: Notes) -> None:
    if isinstance(node, MappingNode):
        actions = [action.value for action in Action]
        for key, _ in node.entries.values():
            if key.text not in actions:
                hint = near(key.text, actions) or f"actions: {', '.join(actions)}"
                notes.add(key, Code.UNKNOWN_KEY, f"`{key.text}` is not an action", hint)


def _check_not_empty(root: MappingNode, notes: Notes) -> None:
    for key in ("version", "command", "profiles"):
        node = root.get(key)
        if isinstance(node, SequenceNode) and not node.items:
            notes.add(node, Code.EMPTY_VALUE, f"`{key}` is an empty list")


def _signals_of(written: Mapping[str, SignalName] | None) -> dict[Action, str]:
    actions = {action.value: action for action in Action}
    return {actions[key]: signal.name for key, signal in (written or {}).items() if key in actions}


def _fill_all(texts: tuple[Text, ...], values: Mapping[str, str], notes: Notes) -> tuple[str, ...]:
    return tuple("".join(_fill(part, values, notes) for part in text.parts) for text in texts)


def _fill(part: str | Reference, values: Mapping[str, str], notes: Notes) -> str:
    if isinstance(part, str):
        return part
    value = values.get(str(part))
    if value is None:
        hint = near(str(part), values) or f"a manifest knows {listed(values, 'and')}"
        notes.add(part.location, Code.UNDEFINED_NAME, f"nothing is called `{part}` here", hint)
    return value or ""


def _known(written: WrittenFailure, notes: Notes) -> KnownFailure:
    targets = [target for target in (written.scenario, written.clause) if target]
    if len(targets) != 1:
        message = "a known failure is of a `scenario` or of a `clause`, one of the two"
        notes.add(written.location, Code.CONTRADICTION if targets else Code.MISSING_KEY, message)
    return KnownFailure(
        target=targets[0] if targets else "",
        message=written.message,
        reason=written.reason,
        location=written.location,
        link=written.link,
        sometimes=written.sometimes,
    )
