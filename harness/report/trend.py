"""Several reports in the order of time: how the counts went, and which items did not always end the same way."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from harness.model.outcome import Verdict
from harness.report.failure import label
from harness.report.survey import Subject, short, worst
from harness.report.text import columns, pad, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.report.run import Run

_MISSING = "-"


def trend(runs: Sequence[Run]) -> Iterator[str]:
    """A line for each run and implementation, the oldest first, then a line for each item that changed.

    Beside an item its verdicts stand in the same order as the runs of its implementation; `-` is for a run without it.
    """
    ordered = sorted(runs, key=lambda run: run.header.started)
    subjects = [
        Subject(run, known, tuple(result for result in run.results if result.outcome.implementation == known.name))
        for run in ordered
        for known in run.header.implementations
    ]
    yield from _table([_head(subjects), *(_row(subject, subjects) for subject in subjects)])
    changed = list(_changed(subjects))
    yield ""
    yield f"items that did not always end the same way: {len(changed) or 'none'}"
    if changed:
        yield from _table(changed)


def _verdicts(subjects: Sequence[Subject]) -> list[Verdict]:
    named = (Verdict.PASSED, Verdict.FAILED)
    return [verdict for verdict in Verdict if verdict in named or any(each.tally.counts[verdict] for each in subjects)]


def _head(subjects: Sequence[Subject]) -> list[str]:
    return ["started", "implementation", "suite", "items", *_verdicts(subjects), "not run", "seconds"]


def _row(subject: Subject, subjects: Sequence[Subject]) -> list[str]:
    header = subject.run.header
    counts = [subject.tally.counts[verdict] for verdict in _verdicts(subjects)]
    return [
        header.second,
        f"{subject.name} {subject.implementation.version}",
        short(header.suite_hash),
        *map(str, [len(subject.results), *counts, subject.not_run]),
        f"{subject.run.footer.seconds:.1f}",
    ]


def _changed(subjects: Sequence[Subject]) -> Iterator[list[str]]:
    of_name: defaultdict[str, list[Subject]] = defaultdict(list)
    for subject in subjects:
        of_name[subject.name].append(subject)
    for name, own in of_name.items():
        for item in sorted({item for subject in own for item in subject.by_item}):
            verdicts = [worst(subject.of([item])) for subject in own]
            if len(set(verdicts)) > 1:
                yield [f"{name}:{item}", *(_MISSING if each is None else label(each) for each in verdicts)]


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    shown = [[printable(cell) for cell in row] for row in rows]
    longest = max(map(len, shown))
    padded = [[*row, *([""] * (longest - len(row)))] for row in shown]
    widths = [max(map(columns, column)) for column in zip(*padded, strict=True)]
    for row in padded:
        yield "  ".join(pad(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip()
