"""The top of the page: what was judged and how it came out, in cards; then levels, profiles and mutants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.report.conformance import Standing, counted
from harness.report.conformance import cell as said_of
from harness.report.html.markup import Markup, cell, element, joined, table, text
from harness.report.html.words import colour, pill, share
from harness.report.survey import short, tally, worst

if TYPE_CHECKING:
    from harness.report.kills import Kills
    from harness.report.survey import Subject, Survey


def head(surveyed: Survey, places: list[str]) -> Markup:
    """The title, what all reports have in common, and links to the sections, by their ids."""
    about = (
        f"{len(surveyed.clauses)} clauses, {len(surveyed.scenarios)} scenarios,"
        f" {sum(len(row.items) for row in surveyed.scenarios)} items; suite "
    )
    return element(
        "header",
        element("h1", text("Conformance")),
        element("p", text(about), element("code", text(short(surveyed.suite_hash))), class_="soft"),
        element("nav", *(element("a", text(place), href=f"#{place}") for place in places), aria_label="Sections"),
    )


def cards(surveyed: Survey) -> Markup:
    """A card for each implementation."""
    return element("section", *map(_card, surveyed.subjects), class_="cards", aria_label="Implementations")


def _card(subject: Subject) -> Markup:
    known, header = subject.implementation, subject.run.header
    machine = header.machine
    facts = {
        "items": str(subject.tally),
        "profiles": ", ".join(known.profiles) or "not told",
        "language": known.language or "not told",
        "run": f"{header.second} UTC, harness {header.harness}, {subject.run.footer.seconds:.1f} s",
        "machine": f"{machine.kernel}, Python {machine.python}, {machine.cores} cores",
    }
    if header.time_scale != 1 or header.pace is not None:
        facts["time scale"] = header.scale_in_words
    if subject.not_run:
        facts["not run"] = f"{subject.not_run} items: the run was ended early"
    listed = (joined(element("dt", text(key)), element("dd", text(value))) for key, value in facts.items())
    verdict = worst(subject.results)
    word = "red" if verdict is not None and verdict.is_red else "nothing red"
    return element(
        "article",
        element("h3", element("span", text(f"{known.name} {known.version}")), pill(verdict, word)),
        share(subject.tally),
        element("dl", *listed),
        class_="card",
    )


def levels(surveyed: Survey) -> Markup:
    """How many clauses of each level passed, and how many an item of these reports names at all."""
    head = [text(word) for word in ("level", "clauses", "with scenarios", *(each.name for each in surveyed.subjects))]
    body = []
    for level in surveyed.levels:
        ids = [clause.id for clause in surveyed.clauses if clause.level == level]
        covered = sum(bool(surveyed.checks[clause]) for clause in ids)
        counts = [counted(subject.standings, ids) for subject in surveyed.subjects]
        cells = [cell(text(said_of(count)), class_=_colour(count[Standing.FAILED], count)) for count in counts]
        body.append([text(level), cell(text(len(ids))), cell(text(covered)), *cells])
    return table(head, body, label="Clauses by level") if body else text("")


def _colour(failed: int, count: dict[Standing, int]) -> str:
    if failed:
        return "red"
    return "known" if count[Standing.KNOWN] else "ok" if count[Standing.PASSED] else "open"


def profiles(surveyed: Survey) -> Markup:
    """Profiles down, implementations across: what came of the items that need the profile."""
    body = []
    for profile in surveyed.profiles:
        items = surveyed.needing(profile)
        if not items:
            continue
        cells = [_of_profile(subject, profile, items) for subject in surveyed.subjects]
        body.append([text(profile), cell(text(len(items))), *cells])
    head = [text(word) for word in ("profile", "items", *(subject.name for subject in surveyed.subjects))]
    return element("section", element("h2", text("Profiles")), table(head, body, label="Profiles"), id="profiles")


def _of_profile(subject: Subject, profile: str, items: list[str]) -> Markup:
    if profile not in subject.implementation.profiles:
        return cell(text("not offered"), class_="open")
    results = subject.of(items)
    verdict = worst(results)
    return cell(text(tally(results) if results else "-"), class_=None if verdict is None else colour(verdict))


def mutants(kills: Kills) -> Markup:
    """What the suite is worth: the testees that are wrong on purpose, and who found them out."""
    title = element("h2", text("Mutants"))
    killed = sum(mutant.is_killed for mutant in kills.mutants)
    said = f"{killed} of {len(kills.mutants)} testees that are wrong on purpose are found out."
    body = [
        [
            joined(element("span", text(mutant.name), class_="id"), element("small", text(mutant.says))),
            cell(text(mutant.fate), class_="ok" if mutant.is_killed else "red"),
            cell(element("span", text(", ".join(mutant.clauses)), class_="id"), class_="list"),
            cell(element("span", text(", ".join(mutant.by) or "-"), class_="id"), class_="list"),
        ]
        for mutant in kills.mutants
    ]
    head = [text(word) for word in ("mutant", "fate", "breaks", "found out by")]
    unbroken = ", ".join(kills.without_mutant)
    without = [element("p", text(f"Clauses of level must without a mutant: {unbroken}"))] if unbroken else []
    inner = table(head, body, label="Mutants")
    shown = element("details", element("summary", text("All mutants")), inner)
    return element("section", title, element("p", text(said)), *without, shown, id="mutants")
