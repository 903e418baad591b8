"""Shapes: what a value must look like, each with the words for what it expects.

A shape makes the value out of a node, or notes what was found in its place. `validate` puts shapes together from the
annotations of the model, and `schema` says the same in JSON Schema.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from harness.load import scalars
from harness.load.codes import Code
from harness.load.nodes import MappingNode, Node, ScalarNode, SequenceNode
from harness.load.notes import INVALID, Invalid, Notes, near, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from enum import StrEnum


class Shape(Protocol):
    """What a value must look like."""

    @property
    def expected(self) -> str:
        """What is welcome here, as the end of "expected ..."."""

    def convert(self, node: Node, notes: Notes) -> object:
        """The value, or INVALID after noting at least one problem."""


@dataclass(frozen=True, slots=True)
class ReadShape:
    """A single value that is right or wrong as a whole."""

    expected: str
    read: Callable[[ScalarNode], object]
    code: Code = Code.WRONG_TYPE
    hint: str | None = None

    def convert(self, node: Node, notes: Notes) -> object:
        value = self.read(node) if type(node) is ScalarNode else INVALID
        if value is INVALID:
            return unexpected(node, self.expected, notes, code=self.code, hint=self.hint)
        return value


@dataclass(frozen=True, slots=True)
class ParseShape:
    """A single value that can be wrong in several ways, and says so itself."""

    expected: str
    parse: Callable[[ScalarNode, Notes], object]

    def convert(self, node: Node, notes: Notes) -> object:
        if type(node) is not ScalarNode or (node.plain and not node.text):
            return unexpected(node, self.expected, notes)
        return self.parse(node, notes)


def unexpected(
    node: Node, expected: str, notes: Notes, *, code: Code = Code.WRONG_TYPE, hint: str | None = None
) -> Invalid:
    """Note that the node is not what is expected; nothing, and a reference, are said to be what they are."""
    if isinstance(node, ScalarNode):
        if node.is_empty:
            return notes.add(node, Code.EMPTY_VALUE, f"expected {expected}, found nothing")
        if "${" in node.text:
            hint = "a reference has no value yet while the file is read; a variable of the matrix has one"
        elif scalars.is_quoted_number(node):
            message = f"expected {expected}, found the text {shown(node)}"
            return notes.add(node, code, message, "without quotes it is no text")
    else:
        code = Code.WRONG_TYPE
    return notes.add(node, code, f"expected {expected}, found {shown(node)}", hint)


def _unknown(node: ScalarNode, words: Collection[str], notes: Notes) -> Invalid:
    """Note a word that is not on the list; the list itself is told where no word of it looks like this one."""
    if "${" in node.text:
        return unexpected(node, "a word", notes)
    hint = near(node.text, words) or f"known here: {', '.join(words)}"
    return notes.add(node, Code.UNKNOWN_VALUE, f"{shown(node)} is not known here", hint)


@dataclass(frozen=True, slots=True)
class WholeShape:
    """A whole number within bounds."""

    expected: str
    least: int | None
    most: int | None

    def convert(self, node: Node, notes: Notes) -> object:
        value = scalars.read_integer(node) if isinstance(node, ScalarNode) else INVALID
        if isinstance(value, Invalid):
            return unexpected(node, self.expected, notes)
        if (self.least is not None and value < self.least) or (self.most is not None and value > self.most):
            return notes.add(node, Code.OUT_OF_RANGE, f"expected {self.expected}, found {shown(node)}")
        return value


@dataclass(frozen=True, slots=True)
class ChoiceShape:
    """One word of a closed list."""

    expected: str
    words: Mapping[str, StrEnum]

    def convert(self, node: Node, notes: Notes) -> object:
        if isinstance(node, ScalarNode):
            value = self.words.get(node.text)
            if value is not None:
                return value
            if not node.is_empty:
                return _unknown(node, self.words, notes)
        return unexpected(node, self.expected, notes)


@dataclass(frozen=True, slots=True)
class WordShape:
    """Text that is one word of a closed list."""

    expected: str
    words: tuple[str, ...]

    def convert(self, node: Node, notes: Notes) -> object:
        if isinstance(node, ScalarNode):
            if node.text in self.words:
                return node.text
            if not node.is_empty:
                return _unknown(node, self.words, notes)
        return unexpected(node, self.expected, notes)


@dataclass(frozen=True, slots=True)
class ListShape:
    """A list of one shape."""

    expected: str
    element: Shape

    def convert(self, node: Node, notes: Notes) -> object:
        if not isinstance(node, SequenceNode):
            is_single = isinstance(node, ScalarNode) and not node.is_empty
            hint = "put it between brackets: [...]" if is_single else None
            return unexpected(node, self.expected, notes, hint=hint)
        values = [self.element.convert(item, notes) for item in node.items]
        return INVALID if any(value is INVALID for value in values) else tuple(values)


@dataclass(frozen=True, slots=True)
class DictionaryShape:
    """A mapping from words of the author's choice to one shape."""

    expected: str
    element: Shape

    def convert(self, node: Node, notes: Notes) -> object:
        if not isinstance(node, MappingNode):
            return unexpected(node, self.expected, notes)
        values = {key: self.element.convert(value, notes) for key, (_, value) in node.entries.items()}
        return INVALID if any(value is INVALID for value in values.values()) else values


@dataclass(frozen=True, slots=True)
class PlainShape:
    """Any data that JSON has; references are left in the text for the engine."""

    expected: str = "data"

    def convert(self, node: Node, notes: Notes) -> object:
        match node:
            case ScalarNode():
                return self._convert_scalar(node, notes)
            case SequenceNode():
                values = [self.convert(item, notes) for item in node.items]
                return INVALID if any(value is INVALID for value in values) else values
            case MappingNode():
                entries = {key: self.convert(value, notes) for key, (_, value) in node.entries.items()}
                return INVALID if any(value is INVALID for value in entries.values()) else entries

    def _convert_scalar(self, node: ScalarNode, notes: Notes) -> object:
        if "$" in node.text and isinstance(scalars.parse_text(node, notes), Invalid):
            return INVALID
        value = scalars.resolve(node)
        if type(value) is float and not abs(value) < float("inf"):
            return unexpected(node, "a number that JSON has", notes, code=Code.BAD_NUMBER)
        return value


@dataclass(frozen=True, slots=True)
class EitherShape:
    """One of several shapes: a mapping or list for one of them, a single value for the others, tried in order."""

    expected: str
    mapping: Shape | None
    sequence: Shape | None
    choice: ChoiceShape | None
    reads: tuple[ReadShape, ...]
    text: Shape | None

    def convert(self, node: Node, notes: Notes) -> object:
        if isinstance(node, MappingNode) and self.mapping is not None:
            return self.mapping.convert(node, notes)
        if isinstance(node, SequenceNode) and self.sequence is not None:
            return self.sequence.convert(node, notes)
        if not isinstance(node, ScalarNode) or node.is_empty:
            return unexpected(node, self.expected, notes)
        if self.choice is not None and node.text in self.choice.words:
            return self.choice.words[node.text]
        for shape in self.reads:
            value = shape.read(node)
            if value is not INVALID:
                return value
        if self.text is not None:
            return self.text.convert(node, notes)
        return unexpected(node, self.expected, notes)


TEXT: Shape = ParseShape("text", scalars.parse_text)
NUMBER = ReadShape("a number", scalars.read_number)
DURATION = ReadShape(
    "a span of time such as 250ms, 2s or 1m", scalars.read_duration, Code.BAD_DURATION, "the unit is ms, s, m or h"
)


def read_string(node: ScalarNode) -> object:
    """Text in which no reference can stand."""
    return INVALID if node.is_empty or "${" in node.text else node.text
