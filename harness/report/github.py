"""Annotations for GitHub's build pages: an error at the line of the scenario for each red item,
a warning for each that is flaky."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from harness.report.failure import why
from harness.report.text import printable

if TYPE_CHECKING:
    from harness.report.run import Footer, Header, Result


class GitHub:
    """Writes workflow commands to a text stream."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._header: Header | None = None

    def begin(self, header: Header) -> None:
        """Remember how items are called; there is nothing to annotate yet."""
        self._header = header

    def add(self, result: Result) -> None:
        """Annotate an item that is red or flaky."""
        outcome = result.outcome
        if not outcome.verdict.wants_attention:
            return
        assert self._header is not None, "a report begins with its header"
        failure = why(outcome)
        properties = {
            "file": failure.location.file,
            "line": str(failure.location.line),
            "col": str(failure.location.column),
            "title": f"{outcome.implementation}:{self._header.name_of(result)} {outcome.verdict}",
        }
        listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
        self._stream.write(f"::{'error' if outcome.verdict.is_red else 'warning'} {listed}::{_data(failure.message)}\n")
        self._stream.flush()

    def end(self, footer: Footer) -> None:
        """All is said."""


def _data(text: str) -> str:
    return printable(text).replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
