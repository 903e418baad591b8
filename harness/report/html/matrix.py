"""The matrix of clauses: each with its level, its sentence and its scenarios, and where every implementation stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.report.conformance import Standing, counted
from harness.report.conformance import cell as said_of
from harness.report.html.markup import Markup, cell, element, joined, table, text
from harness.report.html.summary import levels
from harness.report.html.words import anchor, colour_of

if TYPE_CHECKING:
    from harness.report.kills import Kills
    from harness.report.run import StatedClause
    from harness.report.survey import Subject, Survey


def clauses(surveyed: Survey, kills: Kills | None) -> Markup:
    """All topics, each a table; those where something is red or known stand open."""
    topics = [_topic(surveyed, topic, stated, kills=kills) for topic, stated in surveyed.topics.items()]
    return element("section", element("h2", text("Clauses")), levels(surveyed), *topics, id="clauses")


def _topic(surveyed: Survey, topic: str, stated: list[StatedClause], *, kills: Kills | None) -> Markup:
    names = [subject.name for subject in surveyed.subjects]
    head = ["clause", "level", "scenarios", *(["mutants"] if kills is not None else []), *names]
    body = [_row(surveyed, clause, kills) for clause in stated]
    stands = [subject.standings[clause.id] for subject in surveyed.subjects for clause in stated]
    red = Standing.FAILED in stands
    fine = not red and Standing.KNOWN not in stands
    counts = f"{len(stated)} clauses" if len(stated) != 1 else "1 clause"
    pills = [_pill(subject, stated, several=len(names) > 1) for subject in surveyed.subjects]
    said = element("span", text(topic), class_="title"), element("span", text(counts), class_="soft"), *pills
    return element(
        "details",
        element("summary", element("span", *said, class_="what")),
        table([text(word) for word in head], body, label=f"Clauses: {topic}"),
        class_="fine" if fine else None,
        open="" if red else None,
    )


def _pill(subject: Subject, stated: list[StatedClause], *, several: bool) -> Markup:
    """`riser: 9 passed, 1 known` on the colour of the worst of them."""
    counts = counted(subject.standings, (clause.id for clause in stated))
    said = said_of(counts) if set(counts) != {Standing.OPEN} else Standing.OPEN.value
    worst = max(counts, key=list(Standing).index)
    return element("span", text(f"{subject.name}: {said}" if several else said), class_=f"v {colour_of(worst)}")


def _row(surveyed: Survey, clause: StatedClause, kills: Kills | None) -> list[Markup]:
    links = [
        element("a", text(row.path), href=f"#{anchor('s', row.path)}", class_="id")
        for row in surveyed.checks[clause.id]
    ]
    listed = cell(joined(*links, between=" ") if links else text("none"), class_="list")
    told = joined(element("span", text(clause.id), class_="id"), element("small", text(clause.says)))
    killed = []
    if kills is not None:
        mutants = kills.of(clause.id)
        count = sum(mutant.is_killed for mutant in mutants)
        state = "open" if not mutants else "ok" if count == len(mutants) else "red"
        killed = [cell(text(f"{count} of {len(mutants)} killed" if mutants else "none"), class_=state)]
    stands = [subject.standings[clause.id] for subject in surveyed.subjects]
    cells = [cell(text(standing), class_=colour_of(standing)) for standing in stands]
    return [told, cell(text(clause.level)), listed, *killed, *cells]
