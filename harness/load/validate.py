"""From nodes to the classes of `harness.model`, led by their annotations and the metadata of their fields.

For every type that an annotation names there is a *shape*: it makes the value out of a node, or notes what was found
and what was expected. The shapes of a class are worked out once, from its type hints, and kept; there is no second
description of the language anywhere in the loader.

    annotation --shape_of--> Shape;  Shape.convert(node, problems) -> value, or INVALID with a problem noted

Nothing here stops at the first problem.
"""

from __future__ import annotations

import functools
import types
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import StrEnum
from operator import or_
from typing import TYPE_CHECKING, Any, ForwardRef, Protocol, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from harness.load import scalars
from harness.load.codes import Code
from harness.load.nodes import MappingNode, Node, ScalarNode, SequenceNode
from harness.load.problems import INVALID, Invalid, Problems, listed, near, shown
from harness.model.fields import bounds_of, doc_of, is_subject, key_of
from harness.model.matchers import OPERATORS, All, Equals, Fields, Matcher
from harness.model.values import Duration, Name, Pattern, Scalar, SignalName, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

T = TypeVar("T")


class Shape(Protocol):
    """What a value must look like."""

    @property
    def expected(self) -> str:
        """What is welcome here, as the end of "expected ..."."""

    def convert(self, node: Node, problems: Problems) -> object:
        """The value, or INVALID after noting at least one problem."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A single value that is right or wrong as a whole."""

    expected: str
    read: Callable[[ScalarNode], object]
    code: Code = Code.WRONG_TYPE
    hint: str | None = None

    def convert(self, node: Node, problems: Problems) -> object:
        value = self.read(node) if type(node) is ScalarNode else INVALID
        if value is INVALID:
            return _unexpected(node, self.expected, problems, code=self.code, hint=self.hint)
        return value


@dataclass(frozen=True, slots=True)
class _Parse:
    """A single value that can be wrong in several ways, and says so itself."""

    expected: str
    parse: Callable[[ScalarNode, Problems], object]

    def convert(self, node: Node, problems: Problems) -> object:
        if type(node) is not ScalarNode or (node.plain and not node.text):
            return _unexpected(node, self.expected, problems)
        return self.parse(node, problems)


def _unexpected(
    node: Node, expected: str, problems: Problems, *, code: Code = Code.WRONG_TYPE, hint: str | None = None
) -> Invalid:
    if isinstance(node, ScalarNode):
        if node.is_empty:
            return problems.add(node, Code.EMPTY_VALUE, f"expected {expected}, found nothing")
        if "${" in node.text:
            hint = (
                "a reference has its value only when the scenario runs, which is too late here; a matrix variable can"
            )
            hint += " stand here"
    else:
        code = Code.WRONG_TYPE
    return problems.add(node, code, f"expected {expected}, found {shown(node)}", hint)


@dataclass(frozen=True, slots=True)
class _Whole:
    """A whole number within bounds."""

    expected: str
    least: int | None
    most: int | None

    def convert(self, node: Node, problems: Problems) -> object:
        value = scalars.read_integer(node) if isinstance(node, ScalarNode) else INVALID
        if isinstance(value, Invalid):
            return _unexpected(node, self.expected, problems)
        if (self.least is not None and value < self.least) or (self.most is not None and value > self.most):
            return problems.add(node, Code.OUT_OF_RANGE, f"expected {self.expected}, found {shown(node)}")
        return value


@dataclass(frozen=True, slots=True)
class _Choice:
    """One word of a closed list."""

    expected: str
    words: Mapping[str, StrEnum]

    def convert(self, node: Node, problems: Problems) -> object:
        if isinstance(node, ScalarNode):
            value = self.words.get(node.text)
            if value is not None:
                return value
        hint = near(node.text, self.words) if isinstance(node, ScalarNode) else None
        return _unexpected(node, self.expected, problems, code=Code.UNKNOWN_VALUE, hint=hint)


@dataclass(frozen=True, slots=True)
class _List:
    """A list of one shape."""

    expected: str
    element: Shape

    def convert(self, node: Node, problems: Problems) -> object:
        if not isinstance(node, SequenceNode):
            is_single = isinstance(node, ScalarNode) and not node.is_empty
            hint = "put it between brackets: [...]" if is_single else None
            return _unexpected(node, self.expected, problems, hint=hint)
        values = [self.element.convert(item, problems) for item in node.items]
        return INVALID if any(value is INVALID for value in values) else tuple(values)


@dataclass(frozen=True, slots=True)
class _Dictionary:
    """A mapping from words of the author's choice to one shape."""

    expected: str
    element: Shape

    def convert(self, node: Node, problems: Problems) -> object:
        if not isinstance(node, MappingNode):
            return _unexpected(node, self.expected, problems)
        values = {key: self.element.convert(value, problems) for key, (_, value) in node.entries.items()}
        return INVALID if any(value is INVALID for value in values.values()) else values


@dataclass(frozen=True, slots=True)
class _Plain:
    """Any data that JSON has; references are left in the text for the engine."""

    expected: str = "data"

    def convert(self, node: Node, problems: Problems) -> object:
        match node:
            case ScalarNode():
                return self._convert_scalar(node, problems)
            case SequenceNode():
                values = [self.convert(item, problems) for item in node.items]
                return INVALID if any(value is INVALID for value in values) else values
            case MappingNode():
                entries = {key: self.convert(value, problems) for key, (_, value) in node.entries.items()}
                return INVALID if any(value is INVALID for value in entries.values()) else entries

    def _convert_scalar(self, node: ScalarNode, problems: Problems) -> object:
        if "$" in node.text and isinstance(scalars.parse_text(node, problems), Invalid):
            return INVALID
        value = scalars.resolve(node)
        if type(value) is float and not abs(value) < float("inf"):
            return _unexpected(node, "a number that JSON has", problems, code=Code.BAD_NUMBER)
        return value


@dataclass(frozen=True, slots=True)
class _Either:
    """One of several shapes: a mapping or list for one of them, a single value for the others, tried in order."""

    expected: str
    mapping: Shape | None
    sequence: Shape | None
    choice: _Choice | None
    reads: tuple[_Read, ...]
    text: Shape | None

    def convert(self, node: Node, problems: Problems) -> object:
        if isinstance(node, MappingNode) and self.mapping is not None:
            return self.mapping.convert(node, problems)
        if isinstance(node, SequenceNode) and self.sequence is not None:
            return self.sequence.convert(node, problems)
        if not isinstance(node, ScalarNode) or node.is_empty:
            return _unexpected(node, self.expected, problems)
        if self.choice is not None and node.text in self.choice.words:
            return self.choice.words[node.text]
        for shape in self.reads:
            value = shape.read(node)
            if value is not INVALID:
                return value
        if self.text is not None:
            return self.text.convert(node, problems)
        return _unexpected(node, self.expected, problems)


class _Matcher:
    """A matcher: a single value for equality, a mapping of operators for everything else."""

    expected = "a value, or a mapping of operators such as {contains: ...}"

    def convert(self, node: Node, problems: Problems) -> object:
        match node:
            case ScalarNode():
                if node.is_empty:
                    return _unexpected(node, self.expected, problems)
                scalar = scalars.parse_scalar(node, problems)
                return INVALID if isinstance(scalar, Invalid) else Equals(scalar)
            case SequenceNode():
                hint = "`one_of: [...]` for one of several, `each:` for every element of a list"
                return _unexpected(node, self.expected, problems, hint=hint)
            case MappingNode():
                return self._convert_operators(node, problems)

    def _convert_operators(self, node: MappingNode, problems: Problems) -> object:
        if not node.entries:
            return problems.add(node, Code.NOTHING_CHECKED, "a matcher without an operator matches everything")
        operators = [self._convert_operator(key, value, problems) for key, value in node.entries.values()]
        if any(operator is INVALID for operator in operators):
            return INVALID
        return operators[0] if len(operators) == 1 else All(cast("tuple[Matcher, ...]", tuple(operators)))

    def _convert_operator(self, key: ScalarNode, value: Node, problems: Problems) -> object:
        operator = OPERATORS.get(key.text)
        if operator is None:
            hint = near(key.text, OPERATORS) or f"operators: {', '.join(OPERATORS)}"
            return problems.add(key, Code.UNKNOWN_OPERATOR, f"`{key.text}` is not an operator", hint)
        if operator is Fields:
            entries = _FIELDS.convert(value, problems)
            return INVALID if not isinstance(entries, dict) else Fields(tuple(entries.items()))
        operand = _operand_of(key.text).convert(value, problems)
        return INVALID if operand is INVALID else cast("Callable[[object], Matcher]", operator)(operand)


_MATCHER = _Matcher()
_FIELDS = _Dictionary("a mapping from fields to what they must be", _MATCHER)


@functools.cache
def _operand_of(word: str) -> Shape:
    return shape_of(get_type_hints(OPERATORS[word])["operand"])


_TEXT: Shape = _Parse("text", scalars.parse_text)
_NUMBER = _Read("a number", scalars.read_number)
_DURATION = _Read(
    "a span of time such as 250ms, 2s or 1m", scalars.read_duration, Code.BAD_DURATION, "the unit is ms, s, m or h"
)


def _read_string(node: ScalarNode) -> object:
    return INVALID if node.is_empty or "${" in node.text else node.text


_LEAVES: dict[object, Shape] = {
    str: _Read("text", _read_string),
    float: _NUMBER,
    bool: _Read("true or false", scalars.read_truth),
    Duration: _DURATION,
    Text: _TEXT,
    Name: _Parse("a name", scalars.parse_name),
    Scalar: _Parse("a single value", scalars.parse_scalar),
    SignalName: _Parse("the name of a signal", scalars.parse_signal),
    Pattern: _Parse("a regular expression", scalars.parse_pattern),
    Matcher: _MATCHER,
}


@functools.cache
def shape_of(annotation: object, least: int | None = None, most: int | None = None) -> Shape:
    """The shape for an annotation of the model, its own None left aside; the bounds are for a whole number."""
    if annotation in _LEAVES:
        return _LEAVES[annotation]
    if annotation is int:
        return _Whole(_whole_number(least, most), least, most)
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return _Choice(listed(annotation), {word.value: word for word in annotation})
    if isinstance(annotation, type) and is_dataclass(annotation):
        return _Nested("a mapping", annotation, any(spec.name == "location" for spec in fields(annotation)))
    if isinstance(annotation, (str, ForwardRef)):
        return _Plain()
    return _shape_of_generic(annotation, least, most)


def _shape_of_generic(annotation: object, least: int | None, most: int | None) -> Shape:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is tuple:
        element = shape_of(arguments[0])
        return _List(f"a list, each element {element.expected}", element)
    if origin is dict:
        return _Dictionary("a mapping", shape_of(arguments[1]))
    assert origin in (Union, types.UnionType), f"no shape for {annotation}"
    if any(get_origin(argument) is list for argument in arguments):
        return _Plain()
    if types.NoneType in arguments:
        # An option that may be left out; a matcher is itself a union, so what remains is looked up as a whole.
        return shape_of(functools.reduce(or_, (a for a in arguments if a is not types.NoneType)), least, most)
    shapes = [shape_of(member) for member in arguments]
    return _Either(
        " or ".join(shape.expected for shape in shapes),
        mapping=next((shape for shape in shapes if isinstance(shape, (_Dictionary, _Nested))), None),
        sequence=next((shape for shape in shapes if isinstance(shape, _List)), None),
        choice=next((shape for shape in shapes if isinstance(shape, _Choice)), None),
        reads=tuple(shape for shape in shapes if isinstance(shape, _Read)),
        text=next((shape for shape in shapes if shape is _TEXT), None),
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
    shape: Shape
    is_required: bool
    is_subject: bool


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
    options = [
        Option(
            name=spec.name,
            key=key_of(spec),
            shape=shape_of(hints[spec.name], *bounds_of(spec)),
            is_required=spec.default is MISSING and spec.default_factory is MISSING,
            is_subject=is_subject(spec),
        )
        for spec in fields(model)
        if doc_of(spec) is not None
    ]
    return Options(
        by_key={option.key: option for option in options},
        required=tuple(option for option in options if option.is_required),
        subject=next((option for option in options if option.is_subject), None),
    )


def build(
    model: type[T],
    entries: Mapping[str, tuple[ScalarNode, Node]],
    problems: Problems,
    *,
    where: Node,
    noun: str,
    given: Mapping[str, object] | None = None,
    also: Iterable[str] = (),
) -> T | Invalid:
    """An instance made of these entries, or INVALID when a key is unknown, a value wrong, or a required one missing.

    `noun` is what the keys belong to, for the messages; `given` has the fields that are not written in YAML, and `also`
    the keys that somebody else reads.
    """
    options = options_of(model)
    values: dict[str, object] = dict(given or {})
    is_valid = True
    for key, (key_node, node) in entries.items():
        option = options.by_key.get(key)
        if option is None:
            known = [*options.by_key, *also]
            hint = near(key, known) or f"known here: {', '.join(known)}"
            problems.add(key_node, Code.UNKNOWN_KEY, f"`{key}` is not an option of {noun}", hint)
            is_valid = False
            continue
        value = option.shape.convert(node, problems)
        if value is INVALID:
            is_valid = False
        values[option.name] = value
    for option in options.required:
        if option.name not in values:
            problems.add(where, Code.MISSING_KEY, f"{noun} needs `{option.key}`")
            is_valid = False
    return cast("Callable[..., T]", model)(**values) if is_valid else INVALID


@dataclass(frozen=True, slots=True)
class _Nested:
    """A mapping that is a class of its own."""

    expected: str
    model: type[Any]
    is_located: bool

    def convert(self, node: Node, problems: Problems) -> object:
        if not isinstance(node, MappingNode):
            return _unexpected(node, self.expected, problems)
        noun = f"`{self.model.__name__.lower()}`"
        given = {"location": node.location} if self.is_located else None
        return build(self.model, node.entries, problems, where=node, noun=noun, given=given)
