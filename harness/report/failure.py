"""The failure block: why an item is red or flaky, in at most 25 lines, from its result alone.

    FAIL restart/lossless[tcp,2]  restart.lossless (must)   implementation riser 0.1.0
      scenarios/restart/lossless.yaml:36:5
       36 |     failed: 0
          |     ^ 1 of 412 operations failed: load#3 operation 201, connection refused, 38 ms after hup
       t-hup   actor     event
      +0.000   harness   HUP to d 4711
      +0.038   load#3    connect: ECONNREFUSED                                <- here
      again: harness run scenarios/restart/lossless.yaml --only 'lossless[tcp,2]' --keep

What a reader copies (the item, the place, the command) is never cut; everything else is made to fit the width.
"""

from __future__ import annotations

import shlex
from itertools import groupby
from typing import TYPE_CHECKING, assert_never

from harness.model.outcome import Failure, Outcome, Verdict
from harness.report.moments import timeline_lines
from harness.report.paint import Line, Role
from harness.report.text import columns, cut, printable, wrap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.report.run import Header, Result

WIDTH = 120
"""Columns where there is no terminal to ask."""
LINES = 25
NARROWEST = 60
MESSAGE_LINES = 6


def label(verdict: Verdict) -> str:
    """The word that a line about an item begins with."""
    match verdict:
        case Verdict.PASSED:
            return "PASS"
        case Verdict.FAILED:
            return "FAIL"
        case Verdict.LEAKED:
            return "LEAK"
        case Verdict.ERRORED:
            return "ERROR"
        case Verdict.SKIPPED:
            return "SKIP"
        case Verdict.FLAKY:
            return "FLAKY"
        case Verdict.XFAILED | Verdict.XPASSED:
            return verdict.upper().removesuffix("ED")
        case Verdict.UNSUPPORTED:
            return "UNSUPPORTED"
        case _:
            assert_never(verdict)


def why(outcome: Outcome) -> Failure:
    """Where the outcome's reason stands and what it says, whatever the verdict."""
    if outcome.failure is not None:
        return outcome.failure
    return Failure(outcome.location, outcome.reason or f"the item {outcome.verdict}")


def failure_block(result: Result, header: Header, *, width: int = WIDTH) -> tuple[Line, ...]:
    """The block, at most `LINES` lines of at most `width` columns, but for what is never cut."""
    width = max(width, NARROWEST)
    outcome, failure = result.outcome, why(result.outcome)
    above = [
        Line(Role.TITLE, _title(result, header, width)),
        Line(Role.PLACE, f"  {printable(str(failure.location))}"),
        *_source(failure, result.source, width),
        *(Line(Role.PLACE, f"  used at {printable(str(frame))}") for frame in failure.frames),
    ]
    below = list(_help(outcome, header))
    rows = LINES - len(above) - len(below) - 1
    return (*above, *timeline_lines(outcome, failure, rows=rows, width=width), *below)


def _title(result: Result, header: Header, width: int) -> str:
    outcome = result.outcome
    item = f"{label(outcome.verdict)} {printable(header.name_of(result))}"
    implementation = header.implementation(outcome.implementation)
    judged = printable(f"{implementation.name} {implementation.version}")
    for words in (f"   implementation {judged}", f"   {judged}"):
        for listed in range(len(outcome.clauses), 0, -1):
            rest = len(outcome.clauses) - listed
            clauses = f"  {_clauses(outcome.clauses[:listed], header)}" + (f" and {rest} more" if rest else "")
            if columns(item + clauses + words) <= width:
                return item + clauses + words
    return f"{item}   {judged}"


def _clauses(clauses: Sequence[str], header: Header) -> str:
    """`a, b (must), c (should)`: neighbours of one level share its mention."""
    groups = [(level, ", ".join(group)) for level, group in groupby(clauses, key=header.level)]
    return ", ".join(names if level is None else f"{names} ({level})" for level, names in groups)


def _source(failure: Failure, source: str | None, width: int) -> Iterator[Line]:
    """The line with its number, a caret under the column, and the message beside or, for want of room, below it."""
    if source is None:
        for text in _message(failure.message, width - 4):
            yield Line(Role.MESSAGE, f"    {text}")
        return
    number = f"{failure.location.line:>5} | "
    margin = " " * (len(number) - 2) + "| "
    line, offset = _window(source, failure.location.column, width - len(number))
    yield Line(Role.SOURCE, number + line)
    caret = f"{margin}{' ' * offset}^"
    room = width - columns(caret) - 1
    if room >= min(columns(printable(failure.message)), NARROWEST - 20):
        first, *more = _message(failure.message, room)
        yield Line(Role.MESSAGE, f"{caret} {first}")
        under = " " * (columns(caret) - len(margin) + 1)
    else:
        yield Line(Role.MESSAGE, caret)
        more, under = _message(failure.message, width - len(margin) - 2), "  "
    for text in more:
        yield Line(Role.MESSAGE, f"{margin}{under}{text}")


def _window(source: str, column: int, room: int) -> tuple[str, int]:
    """As much of the line as fits, with the column in it, and how many columns stand before that."""
    before, after = source[: column - 1].replace("\t", " "), source[column - 1 :].replace("\t", " ").rstrip()
    before, after = printable(before), printable(after)
    most = room - max(min(columns(after), room // 3), len("^"))  # The column may be that of the line's end.
    if columns(before) > most:
        while columns(before) > most - len("..."):
            before = before[1:]
        before = "..." + before
    return cut(before + after, room), columns(before)


def _message(message: str, room: int) -> list[str]:
    lines = [
        line for paragraph in message.splitlines() for line in wrap(printable(paragraph), room, lines=MESSAGE_LINES)
    ]
    if len(lines) > MESSAGE_LINES:
        return [*lines[: MESSAGE_LINES - 1], "..."]
    return lines or [""]


def _help(outcome: Outcome, header: Header) -> Iterator[Line]:
    if outcome.verdict not in (Verdict.XFAILED, Verdict.XPASSED) and outcome.reason is not None:
        yield Line(Role.HELP, f"  tries: {printable(outcome.reason)}")
    if outcome.workspace is not None:
        yield Line(Role.HELP, f"  kept:  {printable(outcome.workspace)}")
    yield Line(Role.HELP, f"  again: {printable(command_again(outcome, header))}")


def command_again(outcome: Outcome, header: Header) -> str:
    """The command that runs this item, and no other, in the same way."""
    command = ["harness", "run", outcome.location.file]
    _, _, last = outcome.item.rpartition("/")
    if "[" in last:
        command += ["--only", last]
    argument = header.implementation(outcome.implementation).argument
    if argument is not None:
        command += ["--implementation", argument]
    if header.time_scale != 1:
        command += ["--time-scale", f"{header.time_scale:g}"]
    return shlex.join([*command, "--keep"])
