"""What a person reads while a run goes on, and at its end.

On a terminal one status line shows how far the run is, and only what is not passed scrolls by; elsewhere each item has
a line of its own. Either way each item that is red or flaky shows its failure block as soon as it has ended, with a
time when it passed beside it if there was one. At the end of more than one item these are listed and the clauses summed
up by topic; the last line has the counts and nothing else.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from harness.model.outcome import Verdict
from harness.report.beside import beside_block
from harness.report.conformance import summary_table
from harness.report.failure import failure_block, label, why
from harness.report.paint import Colour, Palette
from harness.report.run import Footer, Header, Result, Tally
from harness.report.text import cut, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

ERASE_LINE = "\r\x1b[K"
LEFT_OUT = 10
"""How many items that were not run are named; the others are counted."""


class Console:
    """Writes to a text stream. `live` keeps a status line, and is for terminals; `width` is in columns."""

    def __init__(self, stream: IO[str], *, width: int, palette: Palette, live: bool = False) -> None:
        self._stream = stream
        self._width = width
        self._palette = palette
        self._live = live
        self._tally = Tally()
        self._results: list[Result] = []
        self._header: Header | None = None

    def begin(self, header: Header) -> None:
        """Say what is run."""
        self._header = header
        judged = ", ".join(f"{known.name} {known.version}" for known in header.implementations)
        scale = "" if header.time_scale == 1 else f", time scale {header.scale_in_words}"
        self._say(printable(f"harness {header.harness}: {_count(header.items, 'item')}, {judged}{scale}"))

    def add(self, result: Result) -> None:
        """Say what came of an item."""
        verdict = result.outcome.verdict
        self._results.append(result)
        self._tally.add(verdict)
        if verdict.wants_attention:
            block = (*failure_block(result, self._told, width=self._width), *beside_block(result, width=self._width))
            self._say(*map(self._palette.line, block), "")
        elif verdict is not Verdict.PASSED or not self._live:
            self._say(self._line(result))
        self._status()

    def end(self, footer: Footer) -> None:
        """Sum up."""
        if self._results and not self._results[-1].outcome.verdict.wants_attention:
            self._say("")
        for section in self._sections(footer):
            if section:
                self._say(*section, "")
        self._say(f"{_ending(footer)}{_count(len(self._results), 'item')} in {footer.seconds:.1f} s")
        worst = max((result.outcome.verdict for result in self._results), key=_severity, default=Verdict.FAILED)
        self._say(self._palette.verdict(worst, str(self._tally)))

    def _sections(self, footer: Footer) -> Iterator[list[str]]:
        if len(self._results) > 1:
            yield list(self._reds())
            yield from self._tables()
        yield list(self._left_out(footer))

    @property
    def _told(self) -> Header:
        assert self._header is not None, "a report begins with its header"
        return self._header

    def _line(self, result: Result) -> str:
        outcome = result.outcome
        said = f"{self._palette.verdict(outcome.verdict, label(outcome.verdict))} {self._name(result)}"
        if outcome.verdict is Verdict.PASSED:
            return f"{said} {outcome.seconds:.2f} s"
        return f"{said}  {printable(outcome.reason or why(outcome).message)}"

    def _name(self, result: Result) -> str:
        """The item, and of which implementation where there are several."""
        name = self._told.name_of(result)
        several = len(self._told.implementations) > 1
        return printable(f"{result.outcome.implementation}:{name}" if several else name)

    def _reds(self) -> Iterator[str]:
        for result in self._results:
            verdict, failure = result.outcome.verdict, why(result.outcome)
            if verdict.wants_attention:
                text = f"{self._name(result)}  {failure.location}: {printable(failure.message)}"
                word = label(verdict)
                yield f"{self._palette.verdict(verdict, word)} {cut(text, self._width - len(word) - 1)}"

    def _tables(self) -> Iterator[list[str]]:
        outcomes = [result.outcome for result in self._results]
        for known in self._told.implementations:
            own = [outcome for outcome in outcomes if outcome.implementation == known.name]
            title = f"clauses, {known.name}" if len(self._told.implementations) > 1 else "clauses"
            yield summary_table(self._told, own, title=title)

    def _left_out(self, footer: Footer) -> Iterator[str]:
        if footer.not_run:
            yield f"not run: {_count(len(footer.not_run), 'item')}"
            for left_out in footer.not_run[:LEFT_OUT]:
                yield f"  {printable(left_out.implementation)}:{printable(left_out.item)}"
            if len(footer.not_run) > LEFT_OUT:
                yield f"  and {len(footer.not_run) - LEFT_OUT} more"

    def _status(self) -> None:
        if self._live:
            done = f"{len(self._results)} of {self._told.items}: {self._tally}"
            last = printable(f"   {self._told.name_of(self._results[-1])}")
            self._stream.write(ERASE_LINE + self._palette.text(cut(done + last, self._width - 1), Colour.FAINT))
            self._stream.flush()

    def _say(self, *lines: str) -> None:
        erase = ERASE_LINE if self._live else ""
        self._stream.write(erase + "".join(f"{line}\n" for line in lines))
        self._stream.flush()


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _ending(footer: Footer) -> str:
    if footer.interrupted:
        return "interrupted: "
    return "stopped at the first red item: " if footer.not_run else ""


def _severity(verdict: Verdict) -> int:
    return 3 if verdict.is_red else 2 if verdict is Verdict.FLAKY else 1 if verdict is Verdict.PASSED else 0
