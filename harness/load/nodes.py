"""Located nodes: what YAML is turned into before anything is known about scenarios.

Every node carries its file, line and column (from 1, in characters), since any later complaint has to point at it. The
classes are not frozen because a suite has tens of thousands of nodes and a frozen one costs twice as much to make; once
`parse` has handed them out nobody changes them, and a matrix cell gets new nodes where its values stand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from harness.model.source import Location


@dataclass(slots=True)
class ScalarNode:
    """A single value: `text` with the quotes taken off, `plain` when there were none.

    `verbatim` is true when the text stands in the file on one line exactly as it stands here, so that a place inside
    the text is known too; it is only found out for text with a `$`.
    """

    text: str
    plain: bool
    file: str
    line: int
    column: int
    verbatim: bool = False

    @property
    def location(self) -> Location:
        """Where the value begins, its quote included."""
        return Location(self.file, self.line, self.column)

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all was written."""
        return self.plain and not self.text


@dataclass(slots=True)
class SequenceNode:
    """A list."""

    items: list[Node]
    file: str
    line: int
    column: int

    @property
    def location(self) -> Location:
        """Where the list begins: its bracket, or its first dash."""
        return Location(self.file, self.line, self.column)


@dataclass(slots=True)
class MappingNode:
    """A mapping; keys are text, each with the node that was its key.

    `is_partial` is true when an entry was left out because of its key, so that nothing can be said to be missing.
    """

    entries: dict[str, tuple[ScalarNode, Node]]
    file: str
    line: int
    column: int
    is_partial: bool = False

    @property
    def location(self) -> Location:
        """Where the mapping begins: its brace, or its first key."""
        return Location(self.file, self.line, self.column)

    def get(self, key: str) -> Node | None:
        """The value of that key, or None."""
        entry = self.entries.get(key)
        return None if entry is None else entry[1]


Node: TypeAlias = ScalarNode | SequenceNode | MappingNode
