"""The page as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.report.html.markup import Markup, element, text
from harness.report.html.matrix import clauses
from harness.report.html.runs import scenarios
from harness.report.html.style import STYLE
from harness.report.html.summary import cards, head, mutants, profiles

if TYPE_CHECKING:
    from harness.report.kills import Kills
    from harness.report.survey import Survey


def page(surveyed: Survey, kills: Kills | None = None) -> str:
    """The file: HTML, well-formed as XML too, that needs no other file and no script."""
    names = ", ".join(f"{each.name} {each.implementation.version}" for each in surveyed.subjects)
    sections = [
        ("clauses", clauses(surveyed, kills)),
        ("profiles", profiles(surveyed)),
        *([] if kills is None else [("mutants", mutants(kills))]),
        ("scenarios", scenarios(surveyed)),
    ]
    document = element(
        "html",
        element(
            "head",
            element("meta", charset="utf-8"),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("title", text(f"Conformance: {names}")),
            element("style", Markup(STYLE)),
        ),
        element(
            "body",
            head(surveyed, [place for place, _ in sections]),
            element("main", cards(surveyed), *(section for _, section in sections)),
            element("footer", text("Made by harness report.")),
        ),
        lang="en",
    )
    return f"<!DOCTYPE html>\n{document}\n"
