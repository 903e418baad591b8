"""The scenarios, and within each every item of every implementation: its verdict, its failure, its timeline.

What is red or flaky stands open. Items that were not judged have nothing to show: they are one line for each reason.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from harness.model.outcome import Verdict
from harness.report.beside import beside_block
from harness.report.failure import failure_block
from harness.report.html.drawing import drawing
from harness.report.html.lanes import picture
from harness.report.html.markup import Markup, element, joined, text
from harness.report.html.words import anchor, pill
from harness.report.survey import worst

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.report.run import Result
    from harness.report.survey import ScenarioRow, Subject, Survey

_KEY = {
    "process": "barline", "event": "event", "log line": "log", "talk": "talk", "note": "note", "signal": "signal",
    "failure": "red",
}  # fmt: skip
_SILENT = (Verdict.UNSUPPORTED, Verdict.SKIPPED)


def scenarios(surveyed: Survey) -> Markup:
    """All of them, topic by topic."""
    topics = [
        joined(element("h3", text(topic or "no topic")), *(_scenario(surveyed, row) for row in rows), between="\n")
        for topic, rows in groupby(surveyed.scenarios, key=lambda row: row.topic)
    ]
    marks = [
        element("li", element("i", style=f"background:var(--{colour})"), text(word)) for word, colour in _KEY.items()
    ]
    only = element(
        "label",
        element("input", type="checkbox", id="only"),
        text("Hide what passed everywhere it was judged"),
        class_="only",
    )
    key = element("ul", *marks, class_="key", aria_label="Marks in timelines")
    return element("section", element("h2", text("Scenarios")), only, key, *topics, id="scenarios")


def _scenario(surveyed: Survey, row: ScenarioRow) -> Markup:
    judged = [(subject, subject.of(row.items)) for subject in surveyed.subjects]
    everything = [result for _, results in judged for result in results]
    fine = all(result.outcome.verdict in (*_SILENT, Verdict.PASSED) for result in everything)
    notable = any(result.outcome.verdict.wants_attention for result in everything)
    pills = [_pill(subject, results, several=len(judged) > 1) for subject, results in judged]
    named = element("span", element("span", text(row.path), class_="id"), text(f" {row.title}"), class_="title")
    facts = f"clauses {', '.join(row.clauses) or 'none'}; profiles {', '.join(row.needs) or 'none'}; {row.file}"
    return element(
        "details",
        element("summary", element("span", named, *pills, class_="what")),
        element("p", element("small", text(facts))),
        *(shown for subject, results in judged for shown in _runs(subject, results)),
        id=anchor("s", row.path),
        class_="fine" if fine else None,
        open="" if notable else None,
    )


def _pill(subject: Subject, results: list[Result], *, several: bool) -> Markup:
    """`riser: 1 of 4 failed`; where all that were judged are alike, `riser: 4 passed`."""
    verdict = worst(results)
    if verdict is None:
        words = "not run"
    else:
        judged = sum(result.outcome.verdict not in _SILENT for result in results) or len(results)
        count = sum(result.outcome.verdict is verdict for result in results)
        words = f"{count} of {judged} {verdict}" if count < judged else f"{count} {verdict}"
    return pill(verdict, f"{subject.name}: {words}" if several else words)


def _runs(subject: Subject, results: list[Result]) -> Iterator[Markup]:
    silent: dict[str, int] = {}
    for result in results:
        outcome = result.outcome
        if outcome.verdict in _SILENT and not outcome.timeline:
            reason = f"{subject.name}: {outcome.verdict}: {outcome.reason or 'no reason told'}"
            silent[reason] = silent.get(reason, 0) + 1
        else:
            yield _run(subject, result)
    for reason, count in silent.items():
        yield element("p", text(f"{reason} ({count} items)" if count > 1 else reason), class_="soft")


def _run(subject: Subject, result: Result) -> Markup:
    outcome, header = result.outcome, subject.run.header
    inside = []
    if outcome.verdict.wants_attention or outcome.failure is not None:
        lines = [line.text for line in (*failure_block(result, header), *beside_block(result))]
        inside.append(element("pre", joined(*map(text, lines), between="\n"), tabindex="0"))
    if outcome.reason is not None:
        inside.append(element("p", text(outcome.reason)))
    if outcome.timeline:
        inside.append(drawing(picture(outcome)))
    said = [
        element("span", text(header.name_of(result)), class_="id"),
        element("span", text(subject.name)),
        pill(outcome.verdict, outcome.verdict),
        element("small", text(f"{outcome.seconds:.2f} s")),
    ]
    return element(
        "details",
        element("summary", element("span", *said, class_="what")),
        *(inside or [element("p", text("Nothing was recorded."))]),
        open="" if outcome.verdict.wants_attention else None,
    )
