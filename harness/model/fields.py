"""How a model class says what its fields mean to a person who writes YAML.

The classes of this package are the single description of the language: `harness.load.validate` checks files against
their fields, and the JSON Schema and the reference are generated from the same metadata.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, field
from enum import StrEnum
from typing import Any, cast

_DOC = "doc"
_KEY = "key"
_SUBJECT = "subject"


class Kind(StrEnum):
    """What a name in a scenario stands for; a `Name` field says which kinds it takes."""

    DAEMON = "daemon"
    PROCESS = "process"
    CLIENT = "client"
    LOAD = "load"
    TREE = "tree"
    MARK = "mark"
    REPLY = "reply"
    EVENT = "event"


# `Any`, as in dataclasses.field itself: the result stands where a value of the field's own type is expected.
def option(doc: str, *, default: object = MISSING, key: str | None = None) -> Any:
    """A field that is written as a key of its own; `key` where the YAML word is a Python keyword."""
    return field(default=cast("Any", default), kw_only=True, metadata={_DOC: doc, _KEY: key})


def subject(doc: str, *, key: str, default: object = MISSING) -> Any:
    """The field that a verb or an actor is about.

    It may be written as the value of the verb itself (`connect: c`), or under `key` when the verb holds a mapping
    (`signal: {to: d, action: stop_graceful}`).
    """
    return field(default=cast("Any", default), metadata={_DOC: doc, _KEY: key, _SUBJECT: True})


def doc_of(spec: Field[object]) -> str | None:
    """The field's sentence for the reference, or None for a field that is not written in YAML."""
    doc = spec.metadata.get(_DOC)
    return doc if isinstance(doc, str) else None


def key_of(spec: Field[object]) -> str:
    """The word that stands for the field in YAML."""
    key = spec.metadata.get(_KEY)
    return key if isinstance(key, str) else spec.name


def is_subject(spec: Field[object]) -> bool:
    """Whether the field may be written as the value of its verb."""
    return _SUBJECT in spec.metadata
