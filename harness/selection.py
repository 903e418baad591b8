"""Which items of a suite are meant: by a part of their id, by tag, by clause."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.model.clauses import Clauses
    from harness.model.scenario import Scenario


class SelectionError(Exception):
    """A selection that selects nothing, or names what the suite does not have."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What was asked for. Within one kind any of the values will do, and each kind that is given must be satisfied.

    A pattern is a part of an item's id, in which `*` stands for any text. A clause may be given by its id, by the
    beginning of its id up to a dot, or by its topic.
    """

    only: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    clauses: tuple[str, ...] = ()

    def __str__(self) -> str:
        options = {"--only": self.only, "--tag": self.tags, "--clause": self.clauses}
        return " ".join(f"{option} {value}" for option, values in options.items() for value in values)


def select(scenarios: Sequence[Scenario], selection: Selection, clauses: Clauses) -> tuple[Scenario, ...]:
    """The items that are meant, in their order. Raises SelectionError when there are none."""
    topics = {clause.id: clause.topic for clause in clauses.values()}
    topics |= {clause: "" for scenario in scenarios for clause in scenario.clauses if clause not in topics}
    tags = {tag for scenario in scenarios for tag in scenario.tags}
    for asked in selection.clauses:
        if not any(_concerns(clause, asked, topics) for clause in topics):
            raise SelectionError(f"there is no clause {asked!r} in this suite" + hint(asked, topics))
    for asked in selection.tags:
        if asked not in tags:
            raise SelectionError(f"no scenario here has the tag {asked!r}" + hint(asked, tags))
    patterns = [_pattern(only) for only in selection.only]

    def is_meant(scenario: Scenario) -> bool:
        return (
            (not patterns or any(pattern.search(scenario.item) for pattern in patterns))
            and (not selection.tags or not set(selection.tags).isdisjoint(scenario.tags))
            and (not selection.clauses or any(map(is_asked, scenario.clauses)))
        )

    def is_asked(clause: str) -> bool:
        return any(_concerns(clause, asked, topics) for asked in selection.clauses)

    chosen = tuple(filter(is_meant, scenarios))
    if not chosen:
        meant = hint(selection.only[0], {scenario.path for scenario in scenarios}) if selection.only else ""
        raise SelectionError(f"nothing is selected: none of {len(scenarios)} items fits {selection}{meant}")
    return chosen


def hint(word: str, known: Iterable[str]) -> str:
    """The known word that looks most like this one, as the end of a sentence; "" if none does."""
    import difflib  # only a mistake pays for it

    found = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {found[0]!r}?" if found else ""


def _pattern(only: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, only.split("*"))))


def _concerns(clause: str, asked: str, topics: Mapping[str, str]) -> bool:
    return clause == asked or clause.startswith(f"{asked}.") or topics[clause] == asked
