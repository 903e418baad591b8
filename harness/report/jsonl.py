"""JSON lines: the source of truth of a run, written as it goes, from which every other report can be made again.

    {"format": "harness-report", "version": 1, ...}    the header
    {"outcome": ...}                                   one line for each item, written and flushed when it ends
    {"end": ...}                                       the footer, with the totals

A file without a footer, with totals that do not agree, with a second header or an item twice is refused: a report
that was cut or mixed must not read as a smaller success.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import IO, TYPE_CHECKING

from harness.report.decode import DecodeError, Fields, Json, footer, header, result
from harness.report.run import Footer, Header, Result, Run, Tally

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.model.outcome import Outcome

FORMAT = "harness-report"
VERSION = 1


class ReportError(Exception):
    """A file that is no report, or not a whole one; `line` counts from 1 and is None where no line is to blame."""

    def __init__(self, file: Path, line: int | None, message: str) -> None:
        super().__init__(file, line, message)
        self.file = file
        self.line = line
        self.message = message

    def __str__(self) -> str:
        place = f"{self.file}" if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.message}"


class JsonLines:
    """Writes a report to a text stream, which stays its owner's."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._tally = Tally()

    def begin(self, header: Header) -> None:
        """Write the header."""
        self._write({"format": FORMAT, "version": VERSION, **asdict(header)})

    def add(self, result: Result) -> None:
        """Write what came of an item."""
        self._tally.add(result.outcome.verdict)
        self._write(
            {
                "outcome": _outcome(result.outcome),
                "source": result.source,
                "round": result.round,
                "passed": None if result.passed is None else _outcome(result.passed),
            }
        )

    def end(self, footer: Footer) -> None:
        """Write the footer, with the number of items of each verdict."""
        self._write({"end": asdict(footer), "totals": dict(self._tally.counts)})

    def _write(self, value: dict[str, object]) -> None:
        # Only ASCII is written: what an implementation sent may hold halves of surrogate pairs, which UTF-8 refuses.
        self._stream.write(json.dumps(value, separators=(",", ":")) + "\n")
        self._stream.flush()


def _outcome(outcome: Outcome) -> dict[str, object]:
    """`asdict`, but for the timeline, whose moments are many."""
    return {
        **asdict(replace(outcome, timeline=())),
        "timeline": [[m.at, m.actor, m.what, m.text, m.pid] for m in outcome.timeline],
    }


def read_run(path: Path) -> Run:
    """The run that a file reports, whole and consistent.

    Raises ReportError for anything else, and OSError if the file cannot be read.
    """
    try:
        lines = list(_lines(path))
    except UnicodeDecodeError as error:
        raise ReportError(path, None, "not a harness report: it is not text") from error
    if not lines:
        raise ReportError(path, None, "not a harness report: it is empty")
    reader = _Reader(path)
    for number, text in enumerate(lines, 1):
        try:
            reader.take(number, text)
        except DecodeError as error:
            raise ReportError(path, number, str(error)) from error
    return reader.run(len(lines))


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", newline="\n") as stream:
        yield from stream


class _Reader:
    """Takes a report line by line and makes sure that they belong together."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._header: Header | None = None
        self._results: list[Result] = []
        self._seen: dict[tuple[str, str, int], int] = {}
        self._tally = Tally()
        self._footer: Footer | None = None

    def take(self, number: int, text: str) -> None:
        if self._header is None:
            self._header = self._first(text)
            return
        if not text.endswith("\n"):
            raise DecodeError("the report is cut: the last line is not whole")
        if self._footer is not None:
            raise DecodeError("the report goes on after its end: more than one run was written to this file")
        line = self._parse(text)
        if "end" in line:
            self._take_footer(line)
        elif "outcome" in line:
            self._take_result(number, line)
        elif line.get("format") == FORMAT:
            raise DecodeError("a second header: more than one run was written to this file")
        else:
            raise DecodeError("neither an outcome nor the end of a report")

    def run(self, lines: int) -> Run:
        if self._header is None or self._footer is None:
            raise ReportError(
                self._path,
                lines,
                f"the report is cut: it has {len(self._results)} of {self._header.items if self._header else 0} items"
                " and no end",
            )
        return Run(self._header, tuple(self._results), self._footer)

    def _first(self, text: str) -> Header:
        try:
            line = self._parse(text)
        except DecodeError as error:
            raise DecodeError("not a harness report: the first line is no JSON object") from error
        if line.get("format") != FORMAT:
            raise DecodeError(f'not a harness report: the first line does not say "format": "{FORMAT}"')
        if line.get("version") != VERSION:
            raise DecodeError(
                f"a report of format version {json.dumps(line.get('version'))}; this harness reads version {VERSION}"
            )
        return header(Fields(line, "the header"))

    def _take_result(self, number: int, line: dict[str, Json]) -> None:
        taken = result(Fields(line, "an outcome"))
        outcome = taken.outcome
        assert self._header is not None
        if outcome.implementation not in {known.name for known in self._header.implementations}:
            raise DecodeError(f"an item of implementation {outcome.implementation}, which the header does not name")
        key = (outcome.implementation, outcome.item, taken.round)
        if key in self._seen:
            raise DecodeError(f"{outcome.item} a second time, first in line {self._seen[key]}")
        self._seen[key] = number
        self._tally.add(outcome.verdict)
        self._results.append(taken)

    def _take_footer(self, line: dict[str, Json]) -> None:
        self._footer = footer(Fields(line, "the end").fields("end"))
        if line.get("totals") != dict(self._tally.counts):
            raise DecodeError(
                f"the totals do not agree with the outcomes: {json.dumps(line.get('totals'))} against {self._tally};"
                " lines are missing or from another run"
            )
        assert self._header is not None
        told = len(self._results) + len(self._footer.not_run)
        if told != self._header.items:
            raise DecodeError(f"the report tells of {told} items, and the header announces {self._header.items}")

    def _parse(self, text: str) -> dict[str, Json]:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise DecodeError(f"not JSON: {error}") from error
        if not isinstance(value, dict):
            raise DecodeError("not a JSON object")
        return value
