"""What was said to a daemon and by it, as the steps of a scenario.

Each thing that happened is one step, so that a step that fails when the scenario is run leads back to it. What differs
from run to run is loosened, little by little: the words as they were, then any digits for digits, then any line; and
any end of a connection for an end in good order.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

_PLAIN = re.compile(r"[A-Za-z][\w./-]*(?: [\w./-]+)*", re.ASCII)
_DIGITS = re.compile(r"[0-9]+")


class Looseness(IntEnum):
    """How exactly a line has to come again."""

    WORDS = 0
    DIGITS = 1
    """Any digits for digits."""
    ANY = 2


@dataclass(frozen=True, slots=True)
class Exchange:
    """A line that was sent, one that came, or the one as the answer to the other."""

    sent: str | None
    heard: str | None
    looseness: Looseness = Looseness.WORDS


@dataclass(frozen=True, slots=True)
class Done:
    """A step in so many words, which says all of it: `signal: {to: d, signal: HUP}`."""

    step: str


@dataclass(frozen=True, slots=True)
class HungUp:
    """The peer ended the connection: `closed`, `reset` or `any`."""

    how: str


Entry: TypeAlias = Exchange | HungUp | Done


def step_of(entry: Entry, values: Mapping[str, str]) -> str:
    """The entry as a step of the client `c`; `values` are what stands under a reference: `{"d.pid": "4711"}`."""
    match entry:
        case Done(step):
            return step
        case HungUp(how):
            return f"expect: {{of: c, end: {how}}}"
        case Exchange(str(sent), None):
            return f"send: {{to: c, line: {spelt(sent)}}}"
        case Exchange(str(sent), _):
            expected = "" if entry.looseness is Looseness.ANY else f", expect: {_expected(entry, values)}"
            return f"talk: {{to: c, send: {spelt(sent)}{expected}}}"
        case Exchange():
            return f"expect: {{of: c, line: {_expected(entry, values)}}}"


def loosened(entry: Entry) -> Entry | None:
    """The entry, for a line that comes otherwise the next time; None where nothing looser can be said."""
    if isinstance(entry, HungUp) and entry.how != "any":
        return HungUp("any")
    if not isinstance(entry, Exchange) or entry.heard is None or entry.looseness is Looseness.ANY:
        return None
    looser = replace(entry, looseness=Looseness(entry.looseness + 1))
    if looser.looseness is Looseness.DIGITS and not _DIGITS.search(entry.heard):
        return replace(looser, looseness=Looseness.ANY)
    return looser


def spelt(text: str, values: Mapping[str, str] | None = None) -> str:
    """A text as YAML has it, with references for the values that stand in it as words of their own."""
    escaped = text.replace("$", "$$")
    for name, value in (values or {}).items():
        word = rf"(?<![\w.:/-]){re.escape(value.replace('$', '$$'))}(?![\w:/-]|\.\w)"
        escaped = re.sub(word, lambda _, name=name: f"${{{name}}}", escaped)  # type: ignore[misc]  # a default binds it
    return escaped if _PLAIN.fullmatch(escaped) else json.dumps(escaped, ensure_ascii=False)


def _expected(entry: Exchange, values: Mapping[str, str]) -> str:
    assert entry.heard is not None
    match entry.looseness:
        case Looseness.WORDS:
            return spelt(entry.heard, values)
        case Looseness.DIGITS:
            pattern = _DIGITS.sub("[0-9]+", re.escape(entry.heard).replace(r"\ ", " "))
            return f"{{matches: {spelt(f'^{pattern}$')}}}"
        case Looseness.ANY:
            return "{matches: .}"
