"""A badge for a README: an implementation, and how many clauses of level must hold, in a small static SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.model.outcome import Verdict
from harness.report.conformance import Standing, counted
from harness.report.html.markup import element, text

if TYPE_CHECKING:
    from harness.report.survey import Subject

CHARACTER, PADDING, HEIGHT = 7, 8, 20
GREEN, YELLOW, RED, GREY = "#1b7a3d", "#8a5a00", "#b3261e", "#555"


def badge(subject: Subject) -> str:
    """The file. Red if an item is red or was not run, yellow if one is flaky or known to fail, green else."""
    left = f"{subject.name} {subject.implementation.version}"
    right, colour = _said(subject)
    first, second = (len(words) * CHARACTER + 2 * PADDING for words in (left, right))
    drawn = element(
        "svg",
        element("title", text(f"{left}: {right}")),
        element("rect", width=str(first + second), height=str(HEIGHT), rx="4", fill=colour),
        element("path", d=f"M4 0h{first - 4}v{HEIGHT}h-{first - 4}a4 4 0 0 1 -4 -4v-12a4 4 0 0 1 4 -4z", fill=GREY),
        *(
            element(
                "text", text(words), x=str(x), y="14", fill="#fff", textLength=str(len(words) * CHARACTER),
                font_family="Verdana,DejaVu Sans,sans-serif", font_size="11", lengthAdjust="spacingAndGlyphs",
            )
            for words, x in ((left, PADDING), (right, first + PADDING))
        ),
        xmlns="http://www.w3.org/2000/svg", width=str(first + second), height=str(HEIGHT), role="img",
        aria_label=f"{left}: {right}",
    )  # fmt: skip
    return f"{drawn}\n"


def _said(subject: Subject) -> tuple[str, str]:
    must = [clause.id for clause in subject.run.header.clauses if clause.level == "must"]
    red = sum(result.outcome.verdict.is_red for result in subject.results)
    if red:
        return f"{red} red", RED
    if subject.not_run:
        return f"{subject.not_run} not run", RED
    if not must:
        return str(subject.tally), GREEN
    counts = counted(subject.standings, must)
    if flaky := subject.tally.counts[Verdict.FLAKY]:
        return f"{flaky} flaky", YELLOW
    said = f"{counts[Standing.PASSED]} of {len(must)} must"
    if counts[Standing.KNOWN]:
        return f"{said}, {counts[Standing.KNOWN]} known", YELLOW
    return said, GREEN
