"""The only place that knows ruamel.yaml: text becomes nodes, each with its line and column.

    text --> events (libyaml, or ruamel's own parser) --> an iterative builder --> nodes, and problems

The builder takes events and not ruamel's constructed data, because data has lost its places and its characters: `1.20`
must stay `1.20`. It pulls one event at a time, so a limit that is passed ends the work there and then.

The language is a strict subset of YAML 1.2. Anchors, aliases, tags, merge keys, directives and second documents are
refused: a scenario must read the same to everyone, and an alias bomb must cost nothing.

libyaml and ruamel's parser disagree at two places, and each file gets the same answer whether libyaml is installed or
not: ruamel's parser, which refuses tabs between tokens, reads every text that has a tab; and what libyaml refuses is
parsed again by it, for its better message, and counts as valid when it succeeds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from harness.load.codes import Code
from harness.load.nodes import MappingNode, Node, ScalarNode, SequenceNode
from harness.load.notes import shown
from harness.load.syntax import LINE_END, escape_problem, find_unprintable, syntax_problem
from harness.model.source import Location, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_CHARACTERS = 1_000_000
MAX_DEPTH = 50
MAX_NODES = 20_000
MAX_PROBLEMS = 50


@dataclass(frozen=True, slots=True)
class Document:
    """What a file holds: its one node, as far as it could be read, and everything wrong with its YAML."""

    root: Node | None
    problems: tuple[Problem, ...] = ()


def parse(text: str, file: str) -> Document:
    """The document in `text`, which came from `file`; never raises, whatever the text is.

    `root` is None when nothing can be said about the content: a syntax error, a passed limit, an empty file.
    """
    if len(text) > MAX_CHARACTERS:
        message = f"the file has {len(text):,} characters, and at most {MAX_CHARACTERS:,} are read"
        return _refused(Problem(Location(file, 1, 1), Code.TOO_LARGE, message))
    text = text.removeprefix("\ufeff")
    unprintable = find_unprintable(text, file)
    if unprintable is not None:
        return _refused(unprintable)
    if _C_PARSER is not None and "\t" not in text:
        try:
            return _Builder(text, file).build(_c_events(text))
        except YAMLError:
            pass  # parsed again: the other parser says it better
    try:
        return _Builder(text, file).build(YAML(typ="safe", pure=True).parse(text))
    except YAMLError as error:
        return _refused(_syntax_problem(error, file))
    except (ValueError, OverflowError):  # what ruamel makes of an escape that is beyond all characters
        return _refused(escape_problem(text, file))


def _refused(problem: Problem) -> Document:
    return Document(None, (problem,))


# --- events -----------------------------------------------------------------------------------------------------------


class _Parser(Protocol):
    def check_event(self) -> bool: ...
    def get_event(self) -> Any: ...


def _find_c_parser() -> Any:
    """The class over libyaml, or None without it: what `YAML` itself would use, less a class definition a file."""
    fast, pure = YAML(typ="safe").Parser, YAML(typ="safe", pure=True).Parser
    return None if fast is pure else fast


_C_PARSER = _find_c_parser()


def _c_events(text: str) -> Iterator[Any]:
    parser: _Parser = _C_PARSER(text)
    while parser.check_event():
        yield parser.get_event()


# --- the builder ------------------------------------------------------------------------------------------------------


class _StopError(Exception):
    """Reading must end here: the last problem makes everything after it meaningless, or dangerous."""


@dataclass(slots=True)
class _Frame:
    """A list or mapping that is still open, with the key that waits for its value."""

    node: SequenceNode | MappingNode
    key: ScalarNode | None = None
    is_dropped: bool = False
    """Whether the entry under way has a key that was refused, so that its value goes nowhere."""


class _Builder:
    """Puts nodes together from events; no recursion, so that depth costs no stack."""

    def __init__(self, text: str, file: str) -> None:
        self._text = text
        self._file = file
        self._root: Node | None = None
        self._open: list[_Frame] = []
        self._left = MAX_NODES
        self._problems: list[Problem] = []
        self._documents = 0

    def build(self, events: Iterator[Any]) -> Document:
        """The document; YAML errors pass through."""
        try:
            for event in events:
                handle = _HANDLERS.get(type(event))
                if handle is not None:
                    handle(self, event)
        except _StopError:
            return Document(None, tuple(self._problems))
        root = self._root
        if isinstance(root, ScalarNode) and not root.is_empty:
            self._problems.append(Problem(root.location, Code.WRONG_TYPE, f"the file holds nothing but {shown(root)}"))
        elif root is None or isinstance(root, ScalarNode):
            self._problems.append(Problem(Location(self._file, 1, 1), Code.EMPTY_FILE, "the file is empty"))
        else:
            return Document(root, tuple(self._problems))
        return Document(None, tuple(self._problems))

    def start_document(self, event: Any) -> None:
        mark = event.start_mark
        location = Location(self._file, mark.line + 1, mark.column + 1)
        self._documents += 1
        if self._documents > 1:
            self._stop(location, Code.SECOND_DOCUMENT, "a second document begins here: a file holds one")
        if event.version or event.tags:
            self._stop(Location(self._file, 1, 1), Code.DIRECTIVE, "directives (`%YAML`, `%TAG`) are not used here")

    def end_document(self, event: Any) -> None:
        if event.explicit:
            mark = event.start_mark
            location = Location(self._file, mark.line + 1, mark.column + 1)
            self._stop(location, Code.SECOND_DOCUMENT, "`...` is not used here: a document ends with its file")

    def scalar(self, event: Any) -> None:
        text, style, mark = event.value, event.style, event.start_mark
        if event.anchor is not None or event.ctag is not None:
            self._refuse_properties(event)
        node = ScalarNode(text, not style, self._file, mark.line + 1, mark.column + 1)
        if "$" in text:
            end = event.end_mark
            quotes = 2 if style else 0
            node.verbatim = mark.line == end.line and end.column - mark.column == len(text) + quotes
        if style in ("|", ">"):
            self._check_block(node)
        if style == '"' and not text.isascii() and _SURROGATE.search(text):
            self._problem(node.location, Code.CHARACTER, "an escape here stands for half a character (a surrogate)")
        self._place(node)

    def _check_block(self, node: ScalarNode) -> None:
        """Refuse the forms of block text that the parsers read differently; nobody writes them on purpose."""
        header, *rest = LINE_END.split(self._text)[node.line - 1 :]
        if not _BLOCK_HEADER.fullmatch(header, node.column - 1):
            message = "a comment here needs a space before its `#`"
            self._problem(node.location, Code.SYNTAX, message)
        number, line = next(((number, line) for number, line in enumerate(rest) if line), (0, ""))
        if line.isspace():
            location = Location(self._file, node.line + 1 + number, 1)
            self._problem(location, Code.SYNTAX, "a blank line at the beginning of a block of text has no spaces")

    def start_sequence(self, event: Any) -> None:
        if event.anchor is not None or event.ctag is not None:
            self._refuse_properties(event)
        mark = event.start_mark
        self._begin(SequenceNode([], self._file, mark.line + 1, mark.column + 1))

    def start_mapping(self, event: Any) -> None:
        if event.anchor is not None or event.ctag is not None:
            self._refuse_properties(event)
        mark = event.start_mark
        self._begin(MappingNode({}, self._file, mark.line + 1, mark.column + 1))

    def end_collection(self, _event: Any) -> None:
        self._open.pop()

    def alias(self, event: Any) -> None:
        mark = event.start_mark
        self._stop_at_alias(Location(self._file, mark.line + 1, mark.column + 1), f"*{event.anchor}")

    def _begin(self, node: SequenceNode | MappingNode) -> None:
        if len(self._open) >= MAX_DEPTH:
            self._stop(node.location, Code.TOO_DEEP, f"lists and mappings are nested more than {MAX_DEPTH} deep here")
        self._place(node)
        self._open.append(_Frame(node))

    def _place(self, node: Node) -> None:
        self._left -= 1
        if self._left < 0:
            self._stop(node.location, Code.TOO_MANY, f"the file holds more than {MAX_NODES:,} values")
        if not self._open:
            self._root = node
            return
        frame = self._open[-1]
        holder = frame.node
        if type(holder) is SequenceNode:
            holder.items.append(node)
        elif frame.is_dropped:
            frame.is_dropped = False
        elif frame.key is None:
            self._begin_entry(frame, node)
        elif type(holder) is MappingNode:
            key, frame.key = frame.key, None
            if type(node) is ScalarNode and node.plain and not node.text:
                # The parsers disagree about where nothing is; next to its key is where a reader looks.
                node.line, node.column = key.line, key.column
            holder.entries[key.text] = key, node

    def _begin_entry(self, frame: _Frame, node: Node) -> None:
        assert isinstance(frame.node, MappingNode)
        was_partial = frame.node.is_partial
        frame.is_dropped = frame.node.is_partial = True
        if not isinstance(node, ScalarNode):
            self._problem(node.location, Code.KEY_TYPE, "a key is text, not a list or a mapping")
        elif node.is_empty:
            self._problem(node.location, Code.KEY_TYPE, "a key is missing before the `:`")
        elif node.plain and node.text == "<<":
            self._problem(
                node.location,
                Code.MERGE_KEY,
                "merge keys (`<<`) are not part of the language",
                "write the entries out; what differs between runs goes into `matrix`",
            )
        elif node.text in frame.node.entries:
            first = frame.node.entries[node.text][0]
            self._problem(
                node.location,
                Code.DUPLICATE_KEY,
                f"`{node.text}` stands here a second time",
                f"the first is at line {first.line}, column {first.column}",
            )
        else:
            frame.is_dropped = False
            frame.node.is_partial = was_partial
            frame.key = node

    def _refuse_properties(self, event: Any) -> None:
        mark = event.start_mark
        location = Location(self._file, mark.line + 1, mark.column + 1)
        if event.anchor is not None:
            self._stop_at_alias(location, f"&{event.anchor}")
        self._problem(
            location,
            Code.TAG,
            f"the tag `{str(event.ctag).replace('tag:yaml.org,2002:', '!!')}` is not part of the language",
            "a value is what it looks like; quotes make it text",
        )

    def _stop_at_alias(self, location: Location, name: str) -> None:
        self._stop(
            location,
            Code.ALIAS,
            f"anchors and aliases (`{name}`) are not part of the language",
            "write the value out; what differs between runs goes into `matrix`",
        )

    def _problem(self, location: Location, code: Code, message: str, hint: str | None = None) -> None:
        self._problems.append(Problem(location, code, message, hint))
        if len(self._problems) >= MAX_PROBLEMS:
            raise _StopError

    def _stop(self, location: Location, code: Code, message: str, hint: str | None = None) -> NoReturn:
        self._problems.append(Problem(location, code, message, hint))
        raise _StopError


_HANDLERS: dict[type, Callable[[_Builder, Any], None]] = {
    ScalarEvent: _Builder.scalar,
    MappingStartEvent: _Builder.start_mapping,
    SequenceStartEvent: _Builder.start_sequence,
    MappingEndEvent: _Builder.end_collection,
    SequenceEndEvent: _Builder.end_collection,
    AliasEvent: _Builder.alias,
    DocumentStartEvent: _Builder.start_document,
    DocumentEndEvent: _Builder.end_document,
}


_BLOCK_HEADER = re.compile(r"[|>][-+0-9]{0,2}(?: +#.*| *)")
_SURROGATE = re.compile("[\ud800-\udfff]")


def _syntax_problem(error: YAMLError, file: str) -> Problem:
    if not isinstance(error, MarkedYAMLError):
        return Problem(Location(file, 1, 1), Code.SYNTAX, f"this is not YAML: {str(error).splitlines()[0]}")
    begun = _place_of(error.context_mark, file)
    place = _place_of(error.problem_mark, file) or begun or Location(file, 1, 1)
    return syntax_problem(error.problem or "the parser gives no reason", place, context=error.context, begun=begun)


def _place_of(mark: Any, file: str) -> Location | None:
    return None if mark is None else Location(file, mark.line + 1, mark.column + 1)
