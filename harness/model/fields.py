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
_KINDS = "kinds"
_TAKES_FIELDS = "takes_fields"
_WORDS = "words"
_IS_SPAN = "is_span"
_LEAST = "least"
_MOST = "most"


class Kind(StrEnum):
    """What a name in a scenario stands for; a `Name` field says which kinds it takes."""

    DAEMON = "daemon"
    PROCESS = "process"
    TERMINAL = "terminal"
    CERTIFICATE = "certificate"
    NOTIFY = "notify"
    CLIENT = "client"
    LOAD = "load"
    SYSLOG = "syslog"
    PROXY = "proxy"
    HTTP = "http"
    TREE = "tree"
    MARK = "mark"
    REPLY = "reply"
    EVENT = "event"
    RESPONSE = "response"
    MACRO = "macro"
    RESULT = "result"


RESULT_FIELDS: dict[Kind, tuple[str, ...] | None] = {
    Kind.TREE: ("daemon", "server", "children", "all", "generation"),
    Kind.REPLY: ("text", "value"),
    Kind.EVENT: None,
    Kind.RESPONSE: ("status", "version", "body", "kept"),
    Kind.MARK: ("at",),
    Kind.MACRO: (),
    Kind.RESULT: None,
}
"""What the result of a step publishes; None where any field may be there. Of a reply, `value` is what follows `ok `;
what a macro publishes, it says itself."""


# `Any`, as in dataclasses.field itself: the result stands where a value of the field's own type is expected.
def option(
    doc: str,
    *,
    default: object = MISSING,
    key: str | None = None,
    kinds: tuple[Kind, ...] = (),
    takes_fields: bool = False,
    words: tuple[str, ...] = (),
    is_span: bool = False,
    least: int | None = None,
    most: int | None = None,
) -> Any:
    """A field that is written as a key of its own; `key` where the YAML word is a Python keyword.

    `kinds` is what a `Name` must stand for; with `takes_fields` it may also be something published (`before.server`).
    `words` is the closed list that text, or every element of a list of texts, must be of. With `is_span` the matcher is
    about a span of time. `least` and `most` bound a whole number.
    """
    return field(
        default=cast("Any", default),
        kw_only=True,
        metadata={
            _DOC: doc,
            _KEY: key,
            _KINDS: kinds,
            _TAKES_FIELDS: takes_fields,
            _WORDS: words,
            _IS_SPAN: is_span,
            _LEAST: least,
            _MOST: most,
        },
    )


def subject(
    doc: str, *, key: str, default: object = MISSING, kinds: tuple[Kind, ...] = (), takes_fields: bool = False
) -> Any:
    """The field that a verb or an actor is about.

    It may be written as the value of the verb itself (`connect: c`), or under `key` when the verb holds a mapping
    (`signal: {to: d, action: stop_graceful}`). `kinds` is what a `Name` must stand for; with `takes_fields` it may also
    be something published (`before.server`).
    """
    return field(
        default=cast("Any", default),
        metadata={_DOC: doc, _KEY: key, _SUBJECT: True, _KINDS: kinds, _TAKES_FIELDS: takes_fields},
    )


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


def kinds_of(spec: Field[object]) -> tuple[Kind, ...]:
    """What a name in this field may stand for; empty where it may be anything."""
    kinds = spec.metadata.get(_KINDS, ())
    return kinds if isinstance(kinds, tuple) else ()


def takes_fields(spec: Field[object]) -> bool:
    """Whether the name in this field may be that of something published, such as `before.server`."""
    return spec.metadata.get(_TAKES_FIELDS) is True


def bounds_of(spec: Field[object]) -> tuple[int | None, int | None]:
    """The least and the most that a whole number in this field may be."""
    least, most = spec.metadata.get(_LEAST), spec.metadata.get(_MOST)
    return least if isinstance(least, int) else None, most if isinstance(most, int) else None


def words_of(spec: Field[object]) -> tuple[str, ...]:
    """The closed list of words that may stand in this field; empty where any may."""
    words = spec.metadata.get(_WORDS, ())
    return words if isinstance(words, tuple) else ()


def is_span(spec: Field[object]) -> bool:
    """Whether the matcher in this field is about a span of time."""
    return spec.metadata.get(_IS_SPAN) is True
