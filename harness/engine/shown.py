"""Values as people read them in failures and timelines: short, on one line, and with what differs in sight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AnySet

from harness.model.values import Duration

TEXT_LIMIT = 72
"""Characters of a text that are shown whole; of a longer one the beginning, the end and the length."""
ELEMENT_LIMIT = 12
"""Elements of a list or mapping that are shown; of more, their number."""
_NESTED_LIMIT = 240
"""Characters of a list or mapping that are shown, whatever is in it."""
_BEFORE, _AFTER = 24, 40
"""Characters of two long texts that are shown before, and from, the first that differs."""


def show(value: object) -> str:
    """The value on one line: texts in quotes, everything else spelt as YAML does."""
    match value:
        case bool():
            return "true" if value else "false"
        case None:
            return "null"
        case int() | Duration():
            return str(value)
        case float():
            return f"{int(value)}" if value.is_integer() else repr(value)
        case str():
            return show_text(value)
        case Mapping():
            return _show_several([f"{_show_key(key)}: {show(value[key])}" for key in value], "{}")
        case Sequence() | AnySet():
            return _show_several([show(element) for element in value], "[]")
        case _:
            return show_text(str(value))


def show_text(text: str, *, limit: int = TEXT_LIMIT) -> str:
    """A text in quotes; one longer than `limit` characters loses its middle and gains its length."""
    if len(text) <= limit:
        return repr(text)
    head, tail = limit * 2 // 3, limit // 4
    return f"{repr(text[:head])[:-1]}…{repr(text[-tail:])[1:]} ({len(text)} characters)"


def contrast(actual: str, expected: str) -> tuple[str, str]:
    """Two texts that differ, both shown in quotes so that the first difference is in sight."""
    if max(len(actual), len(expected)) <= TEXT_LIMIT:
        return repr(actual), repr(expected)
    at = next(
        (index for index, (one, other) in enumerate(zip(actual, expected, strict=False)) if one != other),
        min(len(actual), len(expected)),
    )
    return _around(actual, at), _around(expected, at)


def _around(text: str, at: int) -> str:
    if len(text) <= TEXT_LIMIT:
        return repr(text)
    begin, end = max(0, at - _BEFORE), at + _AFTER
    head = "…" if begin else ""
    tail = "…" if end < len(text) else ""
    return f"{head}{text[begin:end]!r}{tail} (from character {begin + 1} of {len(text)})"


def _show_several(shown: list[str], brackets: str) -> str:
    more = f", … ({len(shown)} in all)" if len(shown) > ELEMENT_LIMIT else ""
    inside = ", ".join(shown[:ELEMENT_LIMIT])
    if len(inside) > _NESTED_LIMIT:
        inside = inside[:_NESTED_LIMIT] + "…"
    return brackets[0] + inside + more + brackets[1]


def _show_key(key: object) -> str:
    return key if isinstance(key, str) and key.isidentifier() else show(key)
