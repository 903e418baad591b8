"""What is noted while a file is read, and the words that problems are made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from harness.load.nodes import MappingNode, Node, ScalarNode, SequenceNode
from harness.model.source import Location, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.load.codes import Code
    from harness.load.steps import Part
    from harness.model.fields import Kind
    from harness.model.steps import Step

_SHOWN_CHARACTERS = 40


class Invalid(Enum):
    """Stands where a value would be, had there not been a problem with it."""

    INVALID = "invalid"


INVALID = Invalid.INVALID


@dataclass(frozen=True, slots=True)
class Use:
    """A name that is used: in a text (`${d.pid}`), as a noun, or as the operand of a matcher.

    `kinds` is what it must stand for, where that is known from its place; with `takes_fields` it may also be something
    published.
    """

    path: tuple[str, ...]
    location: Location
    is_reference: bool = False
    kinds: tuple[Kind, ...] = ()
    takes_fields: bool = True

    def __str__(self) -> str:
        return ".".join(self.path)


class Notes:
    """What is noted while a part of a file is read: everything wrong with it, and every name that it uses."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.uses: list[Use] = []
        self.blocks: list[Sequence[Part[Step]]] = []
        """The steps that stand within this part, a list for each block of them."""
        self.macros: tuple[str, ...] = ()
        """The macros that this part stands in, from the outside in."""
        self.suggested: set[str] = set()
        """The keys that were offered in place of unknown ones: they are not missing as well."""

    def add(self, where: Node | Location, code: Code, message: str, hint: str | None = None) -> Invalid:
        """Note a problem; gives INVALID, so that a caller can return the two at once."""
        location = where if isinstance(where, Location) else where.location
        self.problems.append(Problem(location, code, message, hint))
        return INVALID


def shown(node: Node) -> str:
    """What stands there, in a few words: "a list", "nothing", "the text `yes`"."""
    match node:
        case MappingNode():
            return "a mapping"
        case SequenceNode():
            return "a list"
        case ScalarNode():
            return "nothing" if node.is_empty else quoted(node.text)


def quoted(text: str) -> str:
    """The text between back quotes, on one line, shortened when it is long."""
    line = " ".join(text.split()) if "\n" in text or "\r" in text else text
    if len(line) > _SHOWN_CHARACTERS:
        line = line[: _SHOWN_CHARACTERS - 3] + "..."
    return f"`{line}`"


def listed(words: Iterable[str], last: str = "or") -> str:
    """The words as a sentence has them: `a`, `b` or `c`."""
    quotes = [f"`{word}`" for word in words]
    if len(quotes) < 2:
        return "".join(quotes)
    return f"{', '.join(quotes[:-1])} {last} {quotes[-1]}"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that looks most like this one, if any does."""
    import difflib  # only a file with a mistake pays for it

    candidates = {candidate.casefold(): candidate for candidate in known}
    found = difflib.get_close_matches(word.casefold()[:100], candidates, n=1, cutoff=0.6)
    return candidates[found[0]] if found else None


def near(word: str, known: Iterable[str]) -> str | None:
    """A hint with the known word that looks most like this one, if any does."""
    found = nearest(word, known)
    return f"did you mean `{found}`?" if found else None
