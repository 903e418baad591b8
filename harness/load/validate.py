"""From nodes to the classes of `harness.model`, led by their annotations and the metadata of their fields.

For every type that an annotation names there is a *shape*: it makes the value out of a node, or notes what was found
and what was expected. The shapes of a class are worked out once, from its type hints, and kept; there is no second
description of the language anywhere in the loader.

    annotation --shape_of--> Shape;  Shape.convert(node, notes) -> value, or INVALID with a problem noted

Nothing here stops at the first problem.
"""

from __future__ import annotations

import functools
import types
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import StrEnum
from operator import or_
from typing import TYPE_CHECKING, Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from harness.load import scalars
from harness.load.codes import Code
from harness.load.nodes import MappingNode, Node, ScalarNode, SequenceNode
from harness.load.notes import INVALID, Invalid, Notes, Use, listed, near, nearest
from harness.load.shapes import (
    DURATION,
    NUMBER,
    TEXT,
    ChoiceShape,
    DictionaryShape,
    EitherShape,
    ListShape,
    ParseShape,
    PlainShape,
    ReadShape,
    Shape,
    WholeShape,
    WordShape,
    read_string,
    unexpected,
)
from harness.load.weigh import contradiction, weigh
from harness.model.fields import bounds_of, doc_of, is_span, is_subject, key_of, kinds_of, takes_fields, words_of
from harness.model.matchers import OPERATORS, All, Equals, Fields, Matcher
from harness.model.steps import Step
from harness.model.values import Duration, Name, Pattern, Scalar, SignalName, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from harness.model.fields import Kind

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class MatcherShape:
    """A matcher: a single value for equality, a mapping of operators for everything else.

    One about a span of time takes nothing but comparisons with spans of time, and any other takes no spans.
    """

    expected: str
    is_span: bool = False

    @property
    def operators(self) -> Mapping[str, type[Matcher]]:
        """The operators by their words, as far as they make sense here."""
        return _SPAN_OPERATORS if self.is_span else OPERATORS

    def operand_shape(self, word: str) -> Shape:
        """What the operator of that word takes."""
        return _operand_shape(self, word)

    def convert(self, node: Node, notes: Notes) -> object:
        match node:
            case MappingNode():
                return self._convert_operators(node, notes)
            case ScalarNode() if not node.is_empty and not self.is_span:
                scalar = scalars.parse_scalar(node, notes)
                return INVALID if isinstance(scalar, Invalid) else Equals(scalar)
            case SequenceNode() if not self.is_span:
                hint = "`one_of: [...]` for one of several, `each:` for every element of a list"
                return unexpected(node, self.expected, notes, hint=hint)
            case _:
                return unexpected(node, self.expected, notes)

    def _convert_operators(self, node: MappingNode, notes: Notes) -> object:
        if not node.entries:
            return notes.add(node, Code.ALWAYS_TRUE, "a matcher without an operator matches everything")
        matchers = [self._convert_operator(key, value, notes) for key, value in node.entries.values()]
        whole = [matcher for matcher in matchers if not isinstance(matcher, Invalid)]
        if len(whole) < len(matchers):
            return INVALID
        fault = contradiction(whole)
        if fault is not None:
            return notes.add(node, Code.NEVER_TRUE, fault)
        return whole[0] if len(whole) == 1 else All(tuple(whole))

    def _convert_operator(self, key: ScalarNode, value: Node, notes: Notes) -> Matcher | Invalid:
        operator = self.operators.get(key.text)
        if operator is None:
            hint = near(key.text, self.operators) or f"operators: {', '.join(self.operators)}"
            return notes.add(key, Code.UNKNOWN_OPERATOR, f"`{key.text}` is not an operator here", hint)
        operand = self.operand_shape(key.text).convert(value, notes)
        if operand is INVALID:
            return INVALID
        if isinstance(operand, Name):
            notes.uses.append(Use(operand.path, operand.location))
        if isinstance(operand, dict):
            operand = tuple(operand.items())
        matcher = cast("Callable[[object], Matcher]", operator)(operand)
        fault = weigh(matcher)
        return matcher if fault is None else notes.add(key, *fault)


_SPAN_OPERATORS = {word: OPERATORS[word] for word in ("at_least", "at_most", "under", "over", "not")}
MATCHER = MatcherShape("a value, or a mapping of operators such as {contains: ...}")
SPAN_MATCHER = MatcherShape("a comparison with a span of time, such as {under: 2s}", is_span=True)


@functools.cache
def _operand_shape(matcher: MatcherShape, word: str) -> Shape:
    annotation = get_type_hints(OPERATORS[word])["operand"]
    if annotation == float | Duration:
        return DURATION if matcher.is_span else NUMBER
    if annotation == Matcher:
        return matcher
    if OPERATORS[word] is Fields:
        return DictionaryShape("a mapping from fields to what they must be", matcher)
    return shape_of(annotation)


@dataclass(frozen=True, slots=True)
class _Bounds:
    """What the metadata of a field says beyond its annotation."""

    words: tuple[str, ...] = ()
    is_span: bool = False
    least: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class BlockShape:
    """A list of steps within a step; each is noted as a part of its own, with its names and its problems."""

    expected: str = "a list of steps"

    def convert(self, node: Node, notes: Notes) -> object:
        from harness.load.steps import Broken, read_part  # steps are made of options, and blocks of steps

        if not isinstance(node, SequenceNode) or not node.items:
            return unexpected(node, self.expected, notes)
        parts = tuple(read_part(item, notes) for item in node.items)
        notes.blocks.append(parts)
        values = tuple(part.value for part in parts)
        return INVALID if any(isinstance(value, Broken) for value in values) else values


_FREE = _Bounds()

_LEAVES: dict[object, Shape] = {
    str: ReadShape("text", read_string),
    float: NUMBER,
    bool: ReadShape("true or false", scalars.read_truth),
    Duration: DURATION,
    Text: TEXT,
    Name: ParseShape("a name", scalars.parse_name),
    Scalar: ParseShape("a single value", scalars.parse_scalar),
    SignalName: ParseShape("the name of a signal", scalars.parse_signal),
    Pattern: ParseShape("a regular expression", scalars.parse_pattern),
    Matcher: MATCHER,
    tuple[Step, ...]: BlockShape(),
}


@functools.cache
def shape_of(annotation: object, bounds: _Bounds = _FREE) -> Shape:
    """The shape for an annotation of the model; a None among its types stands for "not given" and is left aside."""
    if annotation is str and bounds.words:
        return WordShape("a word", bounds.words)
    if annotation == Matcher and bounds.is_span:
        return SPAN_MATCHER
    if annotation in _LEAVES:
        return _LEAVES[annotation]
    if annotation is int:
        return WholeShape(_whole_number(bounds.least, bounds.most), bounds.least, bounds.most)
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return ChoiceShape(listed(annotation), {word.value: word for word in annotation})
    if isinstance(annotation, type) and is_dataclass(annotation):
        return NestedShape("a mapping", annotation, any(spec.name == "location" for spec in fields(annotation)))
    return _shape_of_generic(annotation, bounds)


def _shape_of_generic(annotation: object, bounds: _Bounds) -> Shape:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is tuple:
        element = shape_of(arguments[0], bounds)
        return ListShape("a list", element)
    if origin is dict:
        return DictionaryShape("a mapping", shape_of(arguments[1]))
    assert origin in (Union, types.UnionType), f"no shape for {annotation}"
    if any(get_origin(argument) is list for argument in arguments):
        return PlainShape()
    if types.NoneType in arguments:
        # A matcher is itself a union, so what remains is looked up as a whole.
        return shape_of(functools.reduce(or_, (a for a in arguments if a is not types.NoneType)), bounds)
    shapes = [shape_of(member) for member in arguments]
    return EitherShape(
        " or ".join(shape.expected for shape in shapes),
        mapping=next((shape for shape in shapes if isinstance(shape, (DictionaryShape, NestedShape))), None),
        sequence=next((shape for shape in shapes if isinstance(shape, ListShape)), None),
        choice=next((shape for shape in shapes if isinstance(shape, ChoiceShape)), None),
        reads=tuple(shape for shape in shapes if isinstance(shape, ReadShape)),
        text=next((shape for shape in shapes if shape is TEXT), None),
    )


def _whole_number(least: int | None, most: int | None) -> str:
    if least is not None and most is not None:
        return f"a whole number from {least} to {most:,}"
    return "a whole number" if least is None else f"a whole number of at least {least}"


# --- classes ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Option:
    """One field of a class, as it is written: its key, its shape, whether it may be left out."""

    name: str
    key: str
    doc: str
    shape: Shape
    is_required: bool
    is_subject: bool
    kinds: tuple[Kind, ...]
    takes_fields: bool


@dataclass(frozen=True, slots=True)
class Options:
    """The fields of a class that are written in YAML, by their keys."""

    by_key: Mapping[str, Option]
    required: tuple[Option, ...]
    subject: Option | None


_OPTIONS: dict[type[Any], Options] = {}


def options_of(model: type[Any]) -> Options:
    """What may be written for that class; worked out once."""
    if model not in _OPTIONS:
        _OPTIONS[model] = _work_out(model)
    return _OPTIONS[model]


def _work_out(model: type[Any]) -> Options:
    hints = get_type_hints(model)
    inherited = {spec.name for base in model.__bases__ if is_dataclass(base) for spec in fields(base)}
    options = [
        Option(
            name=spec.name,
            key=key_of(spec),
            doc=doc,
            shape=shape_of(hints[spec.name], _Bounds(words_of(spec), is_span(spec), *bounds_of(spec))),
            is_required=spec.default is MISSING and spec.default_factory is MISSING,
            is_subject=is_subject(spec),
            kinds=kinds_of(spec),
            takes_fields=takes_fields(spec),
        )
        for spec in sorted(fields(model), key=lambda spec: spec.name in inherited)
        if (doc := doc_of(spec)) is not None
    ]
    return Options(
        by_key={option.key: option for option in options},
        required=tuple(option for option in options if option.is_required),
        subject=next((option for option in options if option.is_subject), None),
    )


def build(
    model: type[T],
    node: MappingNode,
    notes: Notes,
    *,
    noun: str,
    entries: Mapping[str, tuple[ScalarNode, Node]] | None = None,
    where: Node | None = None,
    given: Mapping[str, object] | None = None,
    also: Iterable[str] = (),
) -> T | Invalid:
    """An instance made of a mapping, or INVALID when a key is unknown, a value wrong, or a required one missing.

    `noun` is what the keys belong to, for the messages. `entries` stand for those of the node where they differ, and
    `where` for its place. `given` has the fields that are not written in YAML, `also` the keys that others read.
    """
    options = options_of(model)
    values: dict[str, object] = dict(given or {})
    is_valid = True
    for key, (key_node, value_node) in (node.entries if entries is None else entries).items():
        option = options.by_key.get(key)
        if option is None:
            _note_unknown(key_node, noun, [*options.by_key, *also], notes)
            is_valid = False
            continue
        value = option.shape.convert(value_node, notes)
        if value is INVALID:
            is_valid = False
        elif type(value) is Name:
            notes.uses.append(Use(value.path, value.location, kinds=option.kinds, takes_fields=option.takes_fields))
        values[option.name] = value
    for option in options.required:
        if option.name not in values:
            is_valid = False
            note_missing(option.key, node, notes, noun=noun, where=where)
    return cast("Callable[..., T]", model)(**values) if is_valid else INVALID


def note_missing(key: str, node: MappingNode, notes: Notes, *, noun: str, where: Node | None = None) -> None:
    """Note that a key is missing, unless it may be one that was refused, or is misspelt."""
    if not node.is_partial and key not in notes.suggested:
        notes.add(where or node, Code.MISSING_KEY, f"{noun} needs `{key}`")


def _note_unknown(key: ScalarNode, noun: str, known: list[str], notes: Notes) -> None:
    word = nearest(key.text, known)
    if word is not None:
        notes.suggested.add(word)
    hint = f"did you mean `{word}`?" if word else f"known here: {', '.join(known)}"
    notes.add(key, Code.UNKNOWN_KEY, f"`{key.text}` is not an option of {noun}", hint)


@dataclass(frozen=True, slots=True)
class NestedShape:
    """A mapping that is a class of its own."""

    expected: str
    model: type[Any]
    is_located: bool

    def convert(self, node: Node, notes: Notes) -> object:
        if not isinstance(node, MappingNode):
            return unexpected(node, self.expected, notes)
        given = {"location": node.location} if self.is_located else None
        return build(self.model, node, notes, noun="this mapping", given=given)
