"""Scenario files in one style: the same nodes and the same comments, laid out alike.

    text --> ruamel.yaml's round trip --> text, dumped --> lines that are too long, from their flow to blocks --> text

Two blanks indent a mapping, `- ` stands two to the right of its list's key, a flow collection is `{a: b}` on one line
of at most 120 columns, and one empty line at most separates. Order, quotes and empty lines are the author's.

The round trip is not trusted: what comes out is read again, and has to hold the nodes and the comments that went in.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import ScalarEvent
from ruamel.yaml.nodes import ScalarNode as YamlScalarNode
from ruamel.yaml.resolver import VersionedResolver

from harness.load.nodes import MappingNode, Node, ScalarNode, SequenceNode
from harness.load.yaml import parse
from harness.model.source import InvalidInputError, Location, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDTH = 120
_CODE = "format"
"""Of its problems: nothing is wrong with such a file but that, so there is nothing to explain."""
_UNBROKEN = 10_000_000
"""Columns for ruamel: it breaks lines within words of a text, so it is to break none."""
_EMPTY_LINES = re.compile(r"\n{3,}")
_COMMENT = re.compile(r"(?<![^\s])#.*")

Content: TypeAlias = "tuple[str, bool] | list[Content] | list[tuple[Content, Content]] | None"


def formatted(text: str, file: str) -> str:
    """The text of a scenario file in the one style.

    Raises InvalidInputError for what is no YAML of scenarios, and for what cannot be laid out without losing something.
    """
    document = parse(text, file)
    if document.problems:
        raise InvalidInputError(document.problems)
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    try:
        new = _laid_out(plain)
    except YAMLError:
        raise _impossible(plain, new=None, file=file) from None
    squeezed = _EMPTY_LINES.sub("\n\n", new)
    if squeezed != new and _says(squeezed) == _says(plain):  # else they are in a text
        new = squeezed
    if new != plain and (_says(new) != _says(plain) or comments(new) != comments(plain)):
        raise _impossible(plain, new=new, file=file)
    return new


def comments(text: str) -> list[str]:
    """The comments of a YAML text, in order, without what stands before their `#`."""
    found: list[str] = []
    rest = 0
    for begin, end in (*_texts(text), (len(text), len(text))):
        found += [comment.rstrip() for comment in _COMMENT.findall(text[rest:begin])]
        rest = end
    return found


def _texts(text: str) -> Iterator[tuple[int, int]]:
    """Where the scalars stand; of a block of text what is below its first line, which may have a comment."""
    for event in YAML(typ="safe", pure=True).parse(text):
        if isinstance(event, ScalarEvent):
            begin, end = event.start_mark.index, event.end_mark.index
            if event.style in ("|", ">"):
                begin = text.find("\n", begin)
            yield begin, end


class _AsWritten(VersionedResolver):
    """Takes every scalar for text, so that `1.20`, `0640` and `yes` keep their characters."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:  # Any: ruamel's own
        if kind is YamlScalarNode and implicit[0]:
            return self.DEFAULT_SCALAR_TAG
        return super().resolve(kind, value, implicit)


def _laid_out(text: str) -> str:
    yaml = YAML()
    yaml.Resolver = _AsWritten
    yaml.preserve_quotes = True
    yaml.width = _UNBROKEN
    yaml.brace_single_entry_mapping_in_flow_sequence = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    text = _dumped(yaml, yaml.load(text))
    while long := {number for number, line in enumerate(text.splitlines()) if len(line) > WIDTH}:
        data = yaml.load(text)  # once more, for the places in what was dumped
        if not _break_up(data, long):
            break
        text = _dumped(yaml, data)
    return text


def _dumped(yaml: YAML, data: object) -> str:
    stream = io.StringIO()
    yaml.dump(data, stream)
    return stream.getvalue()


def _break_up(data: Any, long: set[int]) -> bool:
    """Let the outermost flow collection of each line that is too long be a block; whether there was one."""
    if not isinstance(data, CommentedMap | CommentedSeq):
        return False
    if data.fa.flow_style():
        if data.lc.line not in long or not data:
            return False
        data.fa.set_block_style()
        return True
    values = data.values() if isinstance(data, CommentedMap) else data
    broken = [_break_up(value, long) for value in values]
    return any(broken)


def _says(text: str) -> Content:
    return _content(parse(text, "").root)


def _content(node: Node | None) -> Content:
    """What a node says, wherever it stands."""
    match node:
        case ScalarNode(text=text, plain=plain):
            return text, plain
        case SequenceNode(items=items):
            return [_content(item) for item in items]
        case MappingNode(entries=entries):
            return [(_content(key), _content(value)) for key, value in entries.values()]
        case None:
            return None


def _impossible(text: str, *, new: str | None, file: str) -> InvalidInputError:
    """What stands in the way: almost always a comment within a flow collection, which the round trip drops."""
    kept = [] if new is None else comments(new)
    lost = next((comment for comment in comments(text) if comment not in kept), None)
    if lost is None:
        message = "this file cannot be formatted without changing what it says"
        return InvalidInputError((Problem(Location(file, 1, 1), _CODE, message),))
    before = text[: text.index(lost)]
    location = Location(file, before.count("\n") + 1, len(before) - before.rfind("\n"))
    message = "formatting would lose this comment"
    hint = "no comment can stand within { } or [ ]; move it above"
    return InvalidInputError((Problem(location, _CODE, message, hint),))
