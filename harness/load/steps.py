"""The grammar of actors and steps: which class a mapping stands for, before its options are checked.

An actor is a mapping with the key of one kind. A step is a mapping with one verb, in one of two forms:

    talk: c                 # the subject is the verb's value, the options stand beside it
    send: echo one

    talk: {to: c, send: echo one}      # the options, subject included, are the verb's value
    as: reply                          # beside it only what goes with every verb

Some options are called like verbs (`send`, `expect`, `signal`, `log`). The verb of a step is the one among them that
has all the others for options.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from harness.load.codes import Code
from harness.load.nodes import MappingNode, Node, ScalarNode, SequenceNode
from harness.load.problems import INVALID, Invalid, Problems, listed, near, shown
from harness.load.scalars import NAME
from harness.load.validate import build, options_of
from harness.model.actors import ACTORS, Actor
from harness.model.steps import VERBS, Common, Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.model.fields import Kind

    Entries: TypeAlias = Mapping[str, tuple[ScalarNode, Node]]

KINDS: dict[str, type[Actor]] = {model.kind.value: model for model in ACTORS}
"""The kinds of actor, by the key that tells them."""

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Broken:
    """An actor or step with problems of its own: what can be said of it all the same, so that they bring no others.

    `words` has every word in it: a name among them counts as used.
    """

    name: str | None
    words: frozenset[str]
    kind: Kind | None = None


def read_actor(key: ScalarNode, node: Node, problems: Problems) -> Actor | Broken:
    """The actor that is declared under `key`."""
    name = key.text
    if not NAME.fullmatch(name):
        problems.add(
            key, Code.BAD_NAME, f"expected the name of an actor, found {shown(key)}", "letters, digits, - and _"
        )
    if not isinstance(node, MappingNode):
        hint = f"for example {name}: {{daemon: echo}}"
        problems.add(
            node, Code.WRONG_TYPE, f"expected a mapping that tells the kind of actor, found {shown(node)}", hint
        )
        return Broken(name, _words(node))
    kinds = [word for word in node.entries if word in KINDS]
    if len(kinds) != 1:
        _note_kind(node, key, kinds, problems)
        return Broken(name, _words(node))
    model = KINDS[kinds[0]]
    noun = f"a `{kinds[0]}`"
    actor = build(model, node.entries, problems, where=key, noun=noun, given={"name": name, "location": key.location})
    return Broken(name, _words(node), model.kind) if isinstance(actor, Invalid) else actor


def _note_kind(node: MappingNode, key: ScalarNode, kinds: list[str], problems: Problems) -> None:
    if kinds:
        second = node.entries[kinds[1]][0]
        problems.add(second, Code.ACTOR_KIND, f"an actor is of one kind, and `{key.text}` has {listed(kinds, 'and')}")
        return
    hints = (near(word, KINDS) for word in node.entries)
    hint = next((hint for hint in hints if hint), f"it has one of the keys {listed(KINDS)}")
    problems.add(key, Code.ACTOR_KIND, f"nothing tells what kind of actor `{key.text}` is", hint)


def read_step(node: Node, problems: Problems) -> Step | Broken:
    """The step that the node stands for."""
    step = _read_step(node, problems)
    if not isinstance(step, Invalid):
        return step
    name = node.entries.get("as") if isinstance(node, MappingNode) else None
    return Broken(name[1].text if name and isinstance(name[1], ScalarNode) else None, _words(node))


def _read_step(node: Node, problems: Problems) -> Step | Invalid:
    if not isinstance(node, MappingNode):
        return problems.add(node, Code.NO_VERB, f"expected a step such as `start: d`, found {shown(node)}")
    verb = _verb_of(node, problems)
    if verb is None:
        return INVALID
    key, value = node.entries[verb]
    entries = (
        _options_inside(node, verb, value, problems) if isinstance(value, MappingNode) else _options_beside(node, verb)
    )
    if entries is None:
        return INVALID
    return build(VERBS[verb], entries, problems, where=key, noun=f"`{verb}`", given={"location": key.location})


def _verb_of(node: MappingNode, problems: Problems) -> str | None:
    verbs = [key for key in node.entries if key in VERBS]
    for verb in verbs:
        if all(other == verb or other in options_of(VERBS[verb]).by_key for other in verbs):
            return verb
    if verbs:
        other = next(v for v in verbs[1:] if v not in options_of(VERBS[verbs[0]]).by_key)
        message = f"a step has one verb, and this one has {listed([verbs[0], other], 'and')}"
        problems.add(node.entries[other][0], Code.TWO_VERBS, message, "begin a new step with `- `")
        return None
    key = next((node.entries[key][0] for key in node.entries if key not in _COMMON), None)
    if key is None:
        problems.add(node, Code.NO_VERB, "a step needs a verb", f"verbs: {', '.join(VERBS)}")
    else:
        hint = near(key.text, VERBS) or f"verbs: {', '.join(VERBS)}"
        problems.add(key, Code.NO_VERB, f"`{key.text}` is not a verb", hint)
    return None


_COMMON = tuple(options_of(Common).by_key)


def _options_beside(node: MappingNode, verb: str) -> Entries:
    subject = options_of(VERBS[verb]).subject
    assert subject is not None, f"{verb} has no subject"
    entries = dict(node.entries)
    value = entries.pop(verb)
    # The subject under its own key as well would be a second subject; left in place, it is refused as a wrong key is.
    return {subject.key if subject.key not in entries else verb: value, **entries}


def _options_inside(node: MappingNode, verb: str, value: MappingNode, problems: Problems) -> Entries | None:
    is_valid = True
    entries = dict(value.entries)
    for name, (key, option) in node.entries.items():
        if name == verb:
            continue
        if name not in _COMMON:
            message = f"`{name}` stands beside `{verb}`, whose options stand inside its mapping"
            problems.add(
                key, Code.MISPLACED_OPTION, message, f"move it between the braces, or write `{verb}: ...` alone"
            )
            is_valid = False
        elif name in entries:
            message = f"`{name}` stands beside `{verb}` and inside it"
            problems.add(key, Code.DUPLICATE_KEY, message, f"the other is at line {entries[name][0].line}")
            is_valid = False
        else:
            entries[name] = (key, option)
    return entries if is_valid else None


def _words(node: Node) -> frozenset[str]:
    return frozenset(word for text in _texts(node) for word in _WORD.findall(text))


def _texts(node: Node) -> Iterable[str]:
    match node:
        case ScalarNode():
            yield node.text
        case SequenceNode():
            for item in node.items:
                yield from _texts(item)
        case MappingNode():
            for _, value in node.entries.values():
                yield from _texts(value)
