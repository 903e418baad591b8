"""The clauses: the behaviour that conformance is about, each with an id that scenarios name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from harness.model.fields import option
from harness.model.source import Location


class Level(StrEnum):
    """How much a clause binds."""

    MUST = "must"
    SHOULD = "should"
    MAY = "may"
    """Part of an optional profile, which an implementation declares."""


class Source(StrEnum):
    """Where a clause comes from."""

    README = "readme"
    """The RISER README says so."""
    ORIGINAL = "original"
    """The original's code or tests do so."""
    BETTER = "better"
    """The original does otherwise and is wrong."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One sentence of behaviour; `topic` is the heading that it stands under."""

    location: Location
    topic: str
    id: str = option("the word that scenarios name it by")
    level: Level = option("how much it binds: must, should or may")
    source: Source = option("where it comes from: readme, original or better")
    says: str = option("the behaviour")


Clauses: TypeAlias = Mapping[str, Clause]
"""The clauses of a suite by their ids, in the order of the file."""
