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
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

from harness.load.codes import Code
from harness.load.nodes import MappingNode, Node, ScalarNode, SequenceNode
from harness.load.notes import INVALID, Invalid, Notes, listed, near, shown
from harness.load.scalars import NAME
from harness.load.shapes import DictionaryShape
from harness.load.validate import build, options_of
from harness.model.actors import ACTORS, Actor
from harness.model.steps import VERBS, Common, Step
from harness.model.steps import Use as UseStep

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from harness.load.notes import Use
    from harness.load.validate import Options
    from harness.model.fields import Kind
    from harness.model.source import Location

    Entries: TypeAlias = Mapping[str, tuple[ScalarNode, Node]]

KINDS: dict[str, type[Actor]] = {model.kind.value: model for model in ACTORS}
"""The kinds of actor, by the key that tells them."""

T = TypeVar("T")

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Broken:
    """An actor or step with problems of its own: what can be said of it all the same, so that they bring no others.

    `words` has every word in it: a name among them counts as used, and as started, connected and so on.
    """

    name: str | None
    location: Location
    words: frozenset[str]
    kind: Kind | None = None


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """An actor or step, with the node that it was read from and the names that it uses."""

    value: T | Broken
    node: Node
    uses: Sequence[Use]
    blocks: Sequence[Sequence[Part[Step]]] = ()
    """The steps within this one: the branches of a `parallel`, the steps of a macro."""

    def place(self, key: str | None) -> Location:
        """Where that key stands, beside the verb or inside its mapping; where the whole begins, without one."""
        if key is not None and isinstance(self.node, MappingNode):
            inside = (value.entries for _, value in self.node.entries.values() if isinstance(value, MappingNode))
            for entries in (*inside, self.node.entries):
                if key in entries:
                    return entries[key][0].location
        return self.node.location


def read_actor(key: ScalarNode, node: Node, notes: Notes) -> Actor | Broken:
    """The actor that is declared under `key`."""
    name = key.text
    if not NAME.fullmatch(name):
        notes.add(key, Code.BAD_NAME, f"expected the name of an actor, found {shown(key)}", "letters, digits, - and _")
    if not isinstance(node, MappingNode):
        hint = f"for example {name}: {{daemon: echo}}"
        notes.add(node, Code.WRONG_TYPE, f"expected a mapping that tells the kind of actor, found {shown(node)}", hint)
        return Broken(name, key.location, words_of(node))
    kinds = [word for word in node.entries if word in KINDS]
    if len(kinds) != 1:
        _note_kind(node, key, kinds, notes)
        return Broken(name, key.location, words_of(node))
    model = KINDS[kinds[0]]
    noun = f"a `{kinds[0]}`"
    actor = build(model, node, notes, where=key, noun=noun, given={"name": name, "location": key.location})
    return Broken(name, key.location, words_of(node), model.kind) if isinstance(actor, Invalid) else actor


def _note_kind(node: MappingNode, key: ScalarNode, kinds: list[str], notes: Notes) -> None:
    if node.is_partial and not kinds:
        return
    if kinds:
        second = node.entries[kinds[1]][0]
        notes.add(second, Code.ACTOR_KIND, f"an actor is of one kind, and `{key.text}` has {listed(kinds, 'and')}")
        return
    known = {option for model in ACTORS for option in options_of(model).by_key}
    hints = (near(word, KINDS) for word in node.entries if word not in known)
    hint = next((hint for hint in hints if hint), f"it has one of the keys {listed(KINDS)}")
    notes.add(key, Code.ACTOR_KIND, f"nothing tells what kind of actor `{key.text}` is", hint)


def read_part(node: Node, notes: Notes) -> Part[Step]:
    """The step that the node stands for, with the names that it uses and the steps within it."""
    own = Notes()
    own.macros = notes.macros
    part: Part[Step] = Part(read_step(node, own), node, own.uses, own.blocks)
    if isinstance(part.value, UseStep):
        from harness.load.macros import with_macro  # macros are made of steps

        part = with_macro(part, part.value, own)
    notes.problems.extend(own.problems)
    notes.suggested |= own.suggested
    return part


def flattened(parts: Iterable[Part[Step]]) -> Iterator[Part[Step]]:
    """The steps, and behind each of them those that stand within it."""
    for part in parts:
        yield part
        for block in part.blocks:
            yield from flattened(block)


def read_step(node: Node, notes: Notes) -> Step | Broken:
    """The step that the node stands for."""
    step = _read_step(node, notes)
    if not isinstance(step, Invalid):
        return step
    name = node.entries.get("as") if isinstance(node, MappingNode) else None
    return Broken(name[1].text if name and isinstance(name[1], ScalarNode) else None, node.location, words_of(node))


def _read_step(node: Node, notes: Notes) -> Step | Invalid:
    if not isinstance(node, MappingNode):
        return notes.add(node, Code.NO_VERB, f"expected a step such as `start: d`, found {shown(node)}")
    verb = _verb_of(node, notes)
    if verb is None:
        return INVALID
    key, value = node.entries[verb]
    has_options_inside = isinstance(value, MappingNode) and not holds_mapping(options_of(VERBS[verb]))
    entries = (_options_inside if has_options_inside else _options_beside)(node, verb, notes)
    if entries is None:
        return INVALID
    return build(
        VERBS[verb], node, notes, entries=entries, where=key, noun=f"`{verb}`", given={"location": key.location}
    )


def _verb_of(node: MappingNode, notes: Notes) -> str | None:
    verbs = [key for key in node.entries if key in VERBS]
    for verb in verbs:
        if all(other == verb or other in options_of(VERBS[verb]).by_key for other in verbs):
            return verb
    if verbs:
        other = next(v for v in verbs[1:] if v not in options_of(VERBS[verbs[0]]).by_key)
        message = f"a step has one verb, and this one has {listed([verbs[0], other], 'and')}"
        notes.add(node.entries[other][0], Code.TWO_VERBS, message, "begin a new step with `- `")
        return None
    key = next((node.entries[key][0] for key in node.entries if key not in _COMMON), None)
    if key is None and node.is_partial:
        return None
    if key is None:
        notes.add(node, Code.NO_VERB, "a step needs a verb", f"verbs: {', '.join(VERBS)}")
    else:
        hint = near(key.text, VERBS) or f"verbs: {', '.join(VERBS)}"
        notes.add(key, Code.NO_VERB, f"`{key.text}` is not a verb", hint)
    return None


def holds_mapping(options: Options) -> bool:
    """Whether the value of the verb is a mapping by itself, so that its options stand beside it alone."""
    return options.subject is not None and isinstance(options.subject.shape, DictionaryShape)


_COMMON = tuple(options_of(Common).by_key)


def _options_beside(node: MappingNode, verb: str, notes: Notes) -> Entries | None:
    subject = options_of(VERBS[verb]).subject
    assert subject is not None, f"{verb} has no subject"
    second = node.entries.get(subject.key)
    if second is not None:
        message = f"the subject of `{verb}` stands behind it already: `{subject.key}` would be a second one"
        notes.add(second[0], Code.MISPLACED_OPTION, message)
        return None
    return {subject.key if key == verb else key: entry for key, entry in node.entries.items()}


def _options_inside(node: MappingNode, verb: str, notes: Notes) -> Entries | None:
    value = node.entries[verb][1]
    assert isinstance(value, MappingNode)
    is_valid = True
    entries = dict(value.entries)
    for name, (key, option) in node.entries.items():
        if name == verb:
            continue
        if name not in _COMMON:
            message = f"`{name}` stands beside `{verb}`, whose options stand inside its mapping"
            notes.add(key, Code.MISPLACED_OPTION, message, f"move it between the braces, or write `{verb}: ...` alone")
            is_valid = False
        elif name in entries:
            message = f"`{name}` stands beside `{verb}` and inside it"
            notes.add(key, Code.DUPLICATE_KEY, message, f"the other is at line {entries[name][0].line}")
            is_valid = False
        else:
            entries[name] = (key, option)
    return entries if is_valid else None


def words_of(node: Node) -> frozenset[str]:
    """Every word that stands in the values of the node."""
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
