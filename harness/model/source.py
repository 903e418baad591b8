"""Where something stands in a file, and what is wrong there.

Every value that a user wrote carries its `Location`, so that any later complaint, from a mistyped key to a failed
expectation, can begin with `file:line:column`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a file.

    `line` and `column` count from 1, in characters; `file` is the path as the user named it.
    """

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong with what a user wrote.

    `code` names the kind of problem for `harness explain` and for tests ("unknown-key"); `message` says what was found
    and what was expected; `hint`, where there is one, tells the reader what to do.
    """

    location: Location
    code: str
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        return f"{self.location}: {self.message}"


class InvalidInputError(Exception):
    """A scenario, manifest or clause file that cannot be used; `problems` has every reason, in file order."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)
