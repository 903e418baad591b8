"""Names at run time: what actors and steps publish, and texts that refer to it.

The loader has made sure that every name is declared and used as the kind that it is; what can still go wrong here is
that there is nothing under it yet, and that fails the step that asks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, cast

from harness.engine.verdicts import StepFailedError
from harness.model.values import Name, Plain, Reference, Text

if TYPE_CHECKING:
    from harness.engine.timeline import Mark
    from harness.model.source import Location

NOTHING: Mapping[str, object] = MappingProxyType({})


class UnpublishedError(Exception):
    """There is nothing under a name yet; the message is a clause that says why ("d has not reported before_start")."""


class Publisher(Protocol):
    """An actor, as the scope sees it."""

    def published(self, name: str) -> object:
        """The value of a field that the actor publishes; raises UnpublishedError while there is none."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a step gives under its `as`: a mark always, and its fields; `whole` is what the bare name stands for."""

    mark: Mark
    fields: Mapping[str, object] = field(default_factory=lambda: NOTHING)
    whole: object = None


class Scope:
    """Resolves names of one item; `extra` are names on top of it, such as a load's `n`."""

    def __init__(self, actors: Mapping[str, Publisher], extra: Mapping[str, object] = NOTHING) -> None:
        self._actors = actors
        self._extra = dict(extra)
        self._given: dict[str, Given] = {}

    def give(self, name: str, given: Given) -> None:
        """Publish what a step gives."""
        self._given[name] = given

    def with_names(self, extra: Mapping[str, object]) -> Scope:
        """This scope and some names more; what is given later to one is known to both."""
        wider = Scope(self._actors, {**self._extra, **extra})
        wider._given = self._given
        return wider

    def mark(self, name: Name) -> Mark:
        """The mark of the step that gave `name`."""
        given = self._given.get(self._within_macro(name.path)[0])
        if given is None:
            raise StepFailedError(f"there is no mark {name} yet", location=name.location)
        return given.mark

    def value(self, name: Name | Reference) -> object:
        """What is published under a name or reference, with its own type.

        A reference's default stands in when there is nothing. Raises StepFailedError, at the name's place in the file.
        """
        try:
            return self._at(name.path)
        except UnpublishedError as error:
            if isinstance(name, Reference) and name.default is not None:
                return name.default
            raise StepFailedError(f"there is no {name}: {error}", location=name.location) from None

    def whole(self, text: Text) -> object:
        """The text, resolved; one that is a single reference keeps the type of what it refers to."""
        return self.text(text) if text.whole is None else self.value(text.whole)

    def text(self, text: Text) -> str:
        """The text, with every reference replaced."""
        return "".join(part if isinstance(part, str) else spell(self.value(part)) for part in text.parts)

    def plain(self, value: Plain, location: Location) -> Plain:
        """Plain data with the references in its texts resolved; a text that is a single reference keeps its type."""
        match value:
            case str():
                return cast("Plain", self.whole(parse_text(value, location)))
            case list():
                return [self.plain(element, location) for element in value]
            case dict():
                return {key: self.plain(element, location) for key, element in value.items()}
            case _:
                return value

    def _within_macro(self, path: tuple[str, ...]) -> tuple[str, ...]:
        """`g.reply.text` as `reply` of the macro `g` and its `text`, where `g` is a macro: it has given `g.reply`."""
        inner = ".".join(path[:2])
        return (inner, *path[2:]) if len(path) > 1 and inner in self._given else path

    def _at(self, path: tuple[str, ...]) -> object:
        path = self._within_macro(path)
        head, *rest = path
        if head in self._extra:
            value = self._extra[head]
        elif head in self._given:
            given = self._given[head]
            if not rest:
                return given.mark.at if given.whole is None else given.whole
            first, *rest = rest
            value = {"at": given.mark.at, **given.fields}.get(first)
            if value is None:
                raise UnpublishedError(f"{head} has no {first}")
        elif head in self._actors and rest:
            first, *rest = rest
            value = self._actors[head].published(first)
        else:
            raise UnpublishedError(f"nothing has given {head} yet")
        return _inside(value, path[: len(path) - len(rest)], rest)


_REFERENCE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<path>[A-Za-z_][\w-]*(?:\.[\w-]+)*)(?::-(?P<default>[^}]*))?\})")


def parse_text(raw: str, location: Location) -> Text:
    """The references in a text of plain data, which the loader has checked and left as the author wrote it."""
    parts: list[str | Reference] = []
    literal = ""
    end = 0
    for match in _REFERENCE.finditer(raw):
        literal += raw[end : match.start()] + (match["dollar"] or "")
        end = match.end()
        if match["path"] is not None:
            parts += [literal] * bool(literal)
            parts.append(Reference(tuple(match["path"].split(".")), location, match["default"]))
            literal = ""
    literal += raw[end:]
    parts += [literal] * bool(literal)
    return Text(tuple(parts), location)


def _inside(value: object, path: tuple[str, ...], rest: Sequence[str]) -> object:
    for key in rest:
        where = ".".join(path)
        if isinstance(value, Mapping):
            if key not in value:
                raise UnpublishedError(f"{where} has no {key}")
            value = value[key]
        elif isinstance(value, (list, tuple)):
            if not key.isdigit() or int(key) >= len(value):
                raise UnpublishedError(f"{where} has {len(value)} elements, counted from 0")
            value = value[int(key)]
        else:
            raise UnpublishedError(f"{where} is a single value")
        path = (*path, key)
    return value


def spell(value: object) -> str:
    """A value inside a text, spelt as YAML and JSON do."""
    match value:
        case bool():
            return "true" if value else "false"
        case None:
            return "null"
        case list() | tuple():
            return " ".join(spell(element) for element in value)
        case _:
            return str(value)
