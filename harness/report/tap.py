"""TAP 14, the Test Anything Protocol: a test point for each item, written as it ends.

Of what a consumer of TAP can tell apart, red is `not ok`, known to fail and flaky are `not ok` with TODO, and what was
not judged is `ok` with SKIP. The verdict itself stands in the YAML block below the point. A run that did not get to all
its items bails out, and so no consumer takes it for a success.
"""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING

from harness.model.outcome import Outcome, Verdict
from harness.report.beside import beside_block
from harness.report.failure import failure_block, why
from harness.report.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.report.run import Footer, Header, Result


class Tap:
    """Writes to a text stream, which stays its owner's."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._header: Header | None = None
        self._points = 0

    def begin(self, header: Header) -> None:
        """Write the version, what is run, and the plan."""
        self._header = header
        judged = ", ".join(f"{known.name} {known.version}" for known in header.implementations)
        self._write(
            "TAP version 14",
            f"# harness {header.harness}, suite {header.suite_hash}, time scale {header.scale_in_words}",
            printable(f"# {judged}"),
            f"1..{header.items}",
        )

    def add(self, result: Result) -> None:
        """Write a test point."""
        assert self._header is not None, "a report begins with its header"
        self._points += 1
        name = f"{result.outcome.implementation}:{self._header.name_of(result)}"
        self._write(f"{_begin(result.outcome.verdict)} {self._points} - {_escaped(name)}{_directive(result.outcome)}")
        if result.outcome.verdict is not Verdict.PASSED:
            self._write("  ---", *(f"  {line}" for line in _diagnostics(result, self._header)), "  ...")

    def end(self, footer: Footer) -> None:
        """Bail out if not everything was run."""
        if footer.not_run:
            ending = "interrupted" if footer.interrupted else "stopped at the first red item"
            self._write(f"Bail out! {ending}, {len(footer.not_run)} not run")

    def _write(self, *lines: str) -> None:
        self._stream.write("".join(f"{line}\n" for line in lines))
        self._stream.flush()


def _begin(verdict: Verdict) -> str:
    return "not ok" if verdict.wants_attention or verdict is Verdict.XFAILED else "ok"


def _directive(outcome: Outcome) -> str:
    match outcome.verdict:
        case Verdict.XFAILED | Verdict.FLAKY:
            word = "TODO"
        case Verdict.SKIPPED | Verdict.UNSUPPORTED:
            word = "SKIP"
        case _:
            return ""
    return f" # {word} {_escaped(outcome.reason or why(outcome).message)}"


def _diagnostics(result: Result, header: Header) -> Iterator[str]:
    """Keys and values in YAML, each value as JSON, which YAML includes; a failure block is a text of several lines."""
    outcome, failure = result.outcome, why(result.outcome)
    values = {
        "verdict": outcome.verdict.value,
        "clauses": list(outcome.clauses),
        "at": {"file": failure.location.file, "line": failure.location.line, "column": failure.location.column},
        "message": failure.message,
    }
    for key, value in values.items():
        yield f"{key}: {json.dumps(value)}"
    if outcome.verdict.wants_attention:
        yield "block: |2"
        yield from (f"  {line.text}" for line in (*failure_block(result, header), *beside_block(result)))


def _escaped(text: str) -> str:
    """In a description and behind a directive, # begins a directive and a backslash an escape."""
    return printable(text).replace("\\", "\\\\").replace("#", "\\#")
