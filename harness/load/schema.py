"""The language as JSON Schema (draft 07), for editors: completion, hovers, and most mistakes while they are typed.

It is made from the same shapes that the loader checks with, so the two cannot drift apart. What a schema cannot say,
names and the order of steps among it, is left to `harness check`; what it says is never stricter than the loader.

An editor completes one object with many properties well, and a choice among twenty objects badly. So a step is one
object that has every verb and every option for properties; which options go with which verb is said by `dependencies`.
As a variable of the matrix may stand for any single value, `${name}` is welcome where a number or a listed word is.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, TypeAlias

from harness.load import scalars
from harness.load.defaults import FOLDER_KEYS
from harness.load.shapes import (
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
)
from harness.load.steps import KINDS, holds_mapping
from harness.load.validate import MATCHER, SPAN_MATCHER, BlockShape, MatcherShape, NestedShape, options_of
from harness.model.macros import MacroHead
from harness.model.scenario import BODY, Head
from harness.model.steps import VERBS, Common

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from harness.load.validate import Option

Schema: TypeAlias = dict[str, Any]

DRAFT = "http://json-schema.org/draft-07/schema#"

_SINGLE: Schema = {"type": ["string", "number", "boolean"]}
_REFERENCE: Schema = {"type": "string", "pattern": r"\$\{"}
_STEPS: Schema = {"type": "array", "minItems": 1, "items": {"$ref": "#/definitions/step"}}
_NAME = r"[A-Za-z_][A-Za-z0-9_-]*"


def scenario_schema() -> Schema:
    """The schema of a scenario file."""
    return {
        "$schema": DRAFT,
        "title": "A scenario",
        "type": "object",
        "additionalProperties": False,
        "required": [*(option.key for option in options_of(Head).required), "actors", "steps"],
        "properties": _keys_of_a_scenario(),
        "definitions": {"actor": _object_of_many(KINDS, common=(), form=_beside), **_definitions_of_steps()},
    }


def defaults_schema() -> Schema:
    """The schema of a folder's `defaults.yaml`."""
    known = _keys_of_a_scenario()
    return {
        "$schema": DRAFT,
        "title": "What the scenarios of a folder have in common",
        "type": "object",
        "additionalProperties": False,
        "properties": {key: known[key] for key in FOLDER_KEYS},
        "definitions": _definitions_of_steps(),
    }


def macros_schema() -> Schema:
    """The schema of a file of macros."""
    macro: Schema = {
        "type": "object",
        "additionalProperties": False,
        "required": ["steps"],
        "properties": {
            **{option.key: _described(option) for option in options_of(MacroHead).by_key.values()},
            "defaults": {
                "description": "values of inputs that need not be given",
                "type": "object",
                "additionalProperties": _SINGLE,
            },
            "steps": {"description": "what it does, in this order", **_STEPS},
        },
    }
    return {
        "$schema": DRAFT,
        "title": "Macros",
        "type": "object",
        "additionalProperties": False,
        "required": ["macros"],
        "properties": {
            "macros": {
                "description": "steps that several scenarios share, by their names",
                "type": "object",
                "minProperties": 1,
                "additionalProperties": macro,
            }
        },
        "definitions": _definitions_of_steps(),
    }


def _definitions_of_steps() -> dict[str, Schema]:
    return {
        "step": _object_of_many(VERBS, common=tuple(options_of(Common).by_key), form=_verb),
        "matcher": _matcher(MATCHER),
        "span": _matcher(SPAN_MATCHER),
    }


def _keys_of_a_scenario() -> dict[str, Schema]:
    head = {option.key: _described(option) for option in options_of(Head).by_key.values()}
    body: dict[str, Schema] = {
        "matrix": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": f"^{_NAME}$"},
            "additionalProperties": {"type": "array", "minItems": 1, "items": _SINGLE},
        },
        "defaults": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": False,
            "properties": {word: _options_alone(word, model) for word, model in KINDS.items()},
        },
        "actors": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": f"^{_NAME}$"},
            "additionalProperties": {"$ref": "#/definitions/actor"},
        },
        "steps": _STEPS,
        "finally": _STEPS,
    }
    return {**head, **{key: {"description": BODY[key], **schema} for key, schema in body.items()}}


def _object_of_many(
    models: Mapping[str, type[Any]], *, common: Sequence[str], form: Callable[[str, type[Any]], Schema]
) -> Schema:
    """One object with the words of all the models, and what goes with which word."""
    properties: dict[str, list[tuple[str, Schema]]] = {}
    for word, model in models.items():
        properties.setdefault(word, []).append((word, form(word, model)))
        for key, option in options_of(model).by_key.items():
            if not option.is_subject:
                properties.setdefault(key, []).append((word if key not in common else "", _described(option)))
    merged = {key: _merged(key, meanings) for key, meanings in properties.items()}
    ambiguous = {key for key, meanings in properties.items() if len({word for word, _ in meanings}) > 1}
    return {
        "type": "object",
        "additionalProperties": False,
        "anyOf": [{"required": [word]} for word in models],
        "properties": merged,
        "dependencies": {word: _together(word, models, common, ambiguous) for word in models},
    }


def _merged(key: str, meanings: Iterable[tuple[str, Schema]]) -> Schema:
    """One property for a word that means one thing to one verb and another to others."""
    schemas: list[Schema] = []
    descriptions: dict[str, None] = {}
    for word, schema in meanings:
        bare = {name: value for name, value in schema.items() if name != "description"}
        if bare not in schemas:
            schemas.append(bare)
        prefix = f"{word}: " if word and word != key else ""
        descriptions[f"{prefix}{schema['description']}"] = None
    whole = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    return {"description": "\n\n".join(descriptions), **whole}


def _together(word: str, models: Mapping[str, type[Any]], common: Sequence[str], ambiguous: Collection[str]) -> Schema:
    """What may, and must, stand beside that word, unless it is an option of another word that is there.

    Only of options whose word is `ambiguous` it has to be said again what they take.
    """
    options = options_of(models[word])
    beside = [option for option in options.by_key.values() if not option.is_subject]
    required = [option.key for option in options.required if not option.is_subject]
    alone: Schema = {
        "propertyNames": {"enum": [word, *(option.key for option in beside if option.key != word)]},
        "properties": {o.key: schema_of(o.shape) for o in beside if o.key != word and o.key in ambiguous},
        "required": required,
    }
    if common and not holds_mapping(options):
        mapping: Schema = {
            "propertyNames": {"enum": [word, *common]},
            "properties": {word: {"type": "object"}},
        }
        alone["properties"][word] = {"not": {"type": "object"}}
        alone = {"anyOf": [alone, mapping]}
    others = [other for other, model in models.items() if other != word and word in options_of(model).by_key]
    return {"anyOf": [alone, *({"required": [other]} for other in others)]} if others else alone


def _verb(word: str, model: type[Any]) -> Schema:
    """A verb: its subject, or a mapping of all its options."""
    options = options_of(model)
    assert options.subject is not None, f"{word} has no subject"
    if holds_mapping(options):
        return {"description": _first_sentence(model), **schema_of(options.subject.shape)}
    mapping: Schema = {
        "type": "object",
        "additionalProperties": False,
        "required": [option.key for option in options.required],
        "properties": {key: _described(option) for key, option in options.by_key.items()},
    }
    return {"description": _first_sentence(model), "anyOf": [schema_of(options.subject.shape), mapping]}


def _beside(word: str, model: type[Any]) -> Schema:
    """A kind of actor: its subject."""
    subject = options_of(model).subject
    assert subject is not None, f"{word} has no subject"
    return {"description": f"{_first_sentence(model)} ({subject.doc})", **schema_of(subject.shape)}


def _options_alone(word: str, model: type[Any]) -> Schema:
    """The options of a kind of actor, without what tells its kind."""
    options = [option for option in options_of(model).by_key.values() if not option.is_subject]
    return {
        "description": f"options for every {word} that does not give them",
        "type": "object",
        "additionalProperties": False,
        "properties": {option.key: _described(option) for option in options},
    }


def _first_sentence(model: type[Any]) -> str:
    return " ".join((inspect.getdoc(model) or "").split("\n\n")[0].split())


def _described(option: Option) -> Schema:
    return {"description": option.doc, **schema_of(option.shape)}


def schema_of(shape: Shape) -> Schema:  # noqa: C901 - one case a shape
    """What the shape takes, as a schema."""
    match shape:
        case ReadShape():
            return _READ[shape.read]
        case ParseShape():
            return _PARSE[shape.parse]
        case WholeShape(least=least, most=most):
            bounds = {"minimum": least, "maximum": most}
            number = {"type": "integer", **{key: bound for key, bound in bounds.items() if bound is not None}}
            return {"anyOf": [number, _REFERENCE]}
        case ChoiceShape(words=words):
            return {"anyOf": [{"enum": list(words)}, _REFERENCE]}
        case WordShape(words=words):
            return {"anyOf": [{"enum": list(words)}, _REFERENCE]}
        case ListShape(element=element):
            return {"type": "array", "items": schema_of(element)}
        case DictionaryShape(element=element):
            return {"type": "object", "additionalProperties": schema_of(element)}
        case PlainShape():
            return {}
        case BlockShape():
            return {"type": "array", "minItems": 1, "items": {"$ref": "#/definitions/step"}}
        case MatcherShape(is_span=is_span):
            return {"$ref": "#/definitions/span" if is_span else "#/definitions/matcher"}
        case NestedShape(model=model):
            options = options_of(model)
            return {
                "type": "object",
                "additionalProperties": False,
                "required": [option.key for option in options.required],
                "properties": {key: _described(option) for key, option in options.by_key.items()},
            }
        case EitherShape():
            parts = (shape.choice, shape.mapping, shape.sequence, *shape.reads, shape.text)
            return {"anyOf": [schema_of(part) for part in parts if part is not None]}
        case _:
            raise TypeError(f"no schema for {shape}")


def _matcher(shape: MatcherShape) -> Schema:
    operators: Schema = {
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "properties": {
            word: {"description": _first_sentence(operator), **schema_of(shape.operand_shape(word))}
            for word, operator in shape.operators.items()
        },
    }
    return operators if shape.is_span else {"anyOf": [{**_SINGLE, "description": "equality"}, operators]}


_READ: dict[Callable[..., object], Schema] = {
    read_string: _SINGLE,
    scalars.read_number: {"anyOf": [{"type": "number"}, _REFERENCE]},
    scalars.read_truth: {"anyOf": [{"type": "boolean"}, _REFERENCE]},
    scalars.read_duration: {
        "anyOf": [{"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?(ms|s|m|h)$"}, _REFERENCE],
        "examples": ["250ms", "2s", "1m"],
    },
}
_PARSE: dict[Callable[..., object], Schema] = {
    scalars.parse_text: _SINGLE,
    scalars.parse_scalar: _SINGLE,
    scalars.parse_pattern: _SINGLE,
    scalars.parse_name: {
        "anyOf": [{"type": "string", "pattern": rf"^{_NAME}(\.[A-Za-z0-9_-]+)*$"}, _REFERENCE],
    },
    scalars.parse_signal: {
        "anyOf": [{"type": "string", "pattern": "^(?!SIG)[A-Z][A-Z0-9+-]*$"}, _REFERENCE],
        "examples": ["TERM", "KILL", "STOP", "CONT"],
    },
}
