"""Single values: from a scalar node to a number, a text with references, a name, a span of time.

Each `read_...` gives the value or INVALID and says nothing; what is to be said depends on what else would have been
welcome, which only the caller knows. Where a value has more than one way to be wrong, `parse_...` notes the problem.

Numbers and truth values follow the core schema of YAML 1.2, and nothing else does: `yes`, `1_000` and `2026-01-01` are
text, `0o17` is fifteen. Quotes make text of anything.
"""

from __future__ import annotations

import re
import signal
import warnings
from typing import TYPE_CHECKING

from harness.load.codes import Code
from harness.load.notes import INVALID, Invalid, Notes, Use, near, quoted, shown
from harness.model.source import Location
from harness.model.values import Duration, Name, Pattern, Reference, Scalar, SignalName, Text

if TYPE_CHECKING:
    from harness.load.nodes import ScalarNode

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITY = re.compile(r"[-+]?\.(inf|Inf|INF)")
_NOT_A_NUMBER = frozenset({".nan", ".NaN", ".NAN"})
_NUMBER_STARTS = frozenset("+-.0123456789")
_LONGEST_NUMBER = 300

_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
"""A name that a scenario declares."""
_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*")
_DOLLAR = re.compile(r"\$\$|\$\{([^{}]*)\}|\$")

MAX_PATTERN = 1000


def resolve(node: ScalarNode) -> str | int | float | bool | None:
    """What the core schema of YAML 1.2 makes of the scalar; a number of more than 300 characters stays text."""
    return _resolve_plain(node.text) if node.plain else node.text


def _resolve_plain(text: str) -> str | int | float | bool | None:
    if not text or text[0] not in _NUMBER_STARTS:
        return _resolve_word(text)
    if len(text) > _LONGEST_NUMBER:
        return text
    return _resolve_number(text)


def is_quoted_number(node: ScalarNode) -> bool:
    """Whether the quotes alone make text of it: without them it would be a number or a truth value."""
    return not node.plain and not isinstance(_resolve_plain(node.text), str | None)


def _resolve_word(text: str) -> str | bool | None:
    if text in _NULL:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    return text


def _resolve_number(text: str) -> str | int | float:
    if _INTEGER.fullmatch(text):
        return int(text)
    if _OCTAL.fullmatch(text) or _HEXADECIMAL.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _INFINITY.fullmatch(text):
        return float("-inf") if text[0] == "-" else float("inf")
    return float("nan") if text in _NOT_A_NUMBER else text


def read_integer(node: ScalarNode) -> int | Invalid:
    """A whole number."""
    value = resolve(node)
    return value if type(value) is int else INVALID


def read_number(node: ScalarNode) -> float | Invalid:
    """A number, not infinite."""
    value = resolve(node)
    if type(value) is int:
        return float(value)
    if type(value) is float and abs(value) < float("inf"):
        return value
    return INVALID


def read_truth(node: ScalarNode) -> bool | Invalid:
    """`true` or `false`."""
    value = resolve(node)
    return value if type(value) is bool else INVALID


def read_duration(node: ScalarNode) -> Duration | Invalid:
    """A span of time with its unit: ms, s, m or h."""
    found = _DURATION.fullmatch(node.text)
    if found is None or len(node.text) > _LONGEST_NUMBER:
        return INVALID
    number, unit = found.groups()
    return Duration(float(number) * _SECONDS[unit])


def parse_text(node: ScalarNode, notes: Notes) -> Text | Invalid:
    """Text with its references; `$$` is a dollar."""
    text = node.text
    if "$" not in text:
        return Text((text,), node.location)
    parts: list[str | Reference] = []
    literal, end, is_valid = "", 0, True
    for found in _DOLLAR.finditer(text):
        literal += text[end : found.start()]
        end = found.end()
        if found[0] == "$$":
            literal += "$"
            continue
        where = _inside(node, found.start())
        if found[1] is None:
            notes.add(where, Code.BAD_REFERENCE, "a `$` alone means nothing", "write `$$` for a dollar, or `${name}`")
            is_valid = False
            continue
        reference = _parse_reference(found[1], where, notes)
        if isinstance(reference, Invalid):
            is_valid = False
            continue
        if literal:
            parts.append(literal)
            literal = ""
        parts.append(reference)
    literal += text[end:]
    if literal or not parts:
        parts.append(literal)
    return Text(tuple(parts), node.location) if is_valid else INVALID


def _inside(node: ScalarNode, offset: int) -> Location:
    if not node.verbatim:
        return node.location
    return Location(node.file, node.line, node.column + offset + (0 if node.plain else 1))


def _parse_reference(written: str, where: Location, notes: Notes) -> Reference | Invalid:
    path, separator, default = written.partition(":-")
    if not _PATH.fullmatch(path):
        return notes.add(
            where,
            Code.BAD_REFERENCE,
            f"{quoted(f'${{{written}}}')} is no reference",
            "a reference is `${name}`, `${name.field}` or `${name.field:-default}`; there are no expressions",
        )
    names = tuple(path.split("."))
    notes.uses.append(Use(names, where, is_reference=True))
    return Reference(names, where, default if separator else None)


def parse_scalar(node: ScalarNode, notes: Notes) -> Scalar | Invalid:
    """A value to compare with."""
    text = parse_text(node, notes)
    if isinstance(text, Invalid):
        return INVALID
    if node.plain:
        return Scalar(text, resolve(node))
    return Scalar(text, str(text))


def parse_name(node: ScalarNode, notes: Notes) -> Name | Invalid:
    """A name, or the dotted path of something published."""
    text = node.text
    if _PATH.fullmatch(text):
        return Name(tuple(text.split(".")), node.location)
    reference = re.fullmatch(r"\$\{([^{}]*)\}", text)
    hint = f"write `{reference[1]}`" if reference and _PATH.fullmatch(reference[1]) else None
    return notes.add(node, Code.BAD_NAME, f"expected a name, found {shown(node)}", hint)


def parse_signal(node: ScalarNode, notes: Notes) -> SignalName | Invalid:
    """A signal of this machine, by its name without SIG."""
    text = node.text
    if f"SIG{text}" in signal.Signals.__members__:
        return SignalName(text)
    bare = text.upper().removeprefix("SIG")
    if f"SIG{bare}" in signal.Signals.__members__:
        hint: str | None = f"write `{bare}`"
    else:
        hint = near(text, [name.removeprefix("SIG") for name in signal.Signals.__members__])
    return notes.add(node, Code.UNKNOWN_VALUE, f"expected the name of a signal, found {shown(node)}", hint)


def parse_pattern(node: ScalarNode, notes: Notes) -> Pattern | Invalid:
    """A regular expression that says something: it compiles, and does not match the empty string."""
    source = node.text
    if len(source) > MAX_PATTERN:
        return notes.add(
            node, Code.BAD_PATTERN, f"a regular expression of {len(source):,} characters: {MAX_PATTERN:,} are the limit"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            compiled = re.compile(source)
    except (re.error, OverflowError, RecursionError, Warning) as error:
        return notes.add(node, Code.BAD_PATTERN, f"{quoted(source)} is no regular expression: {error}")
    if compiled.search("") is not None:
        return notes.add(
            node,
            Code.BAD_PATTERN,
            f"{quoted(source)} matches the empty string, so it is found in every text",
            "ask for one character at least",
        )
    return Pattern(source)
