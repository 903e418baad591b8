"""The page: what is on it, that nothing on it is markup by accident, and that it does not grow without need."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.model.outcome import Failure, Outcome, Verdict
from harness.model.pace import Pace
from harness.model.source import Location
from harness.model.timeline import Moment, What
from harness.report.html.page import page
from harness.report.kills import Kill, Kills
from harness.report.run import Footer, Header, Implementation, Machine, Result, Run, StatedClause
from harness.report.survey import survey
from tests.harness.report.test_survey import of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KILLS = Kills(
    "sha256:3f0c",
    (
        Kill("forgets", "Forgets WINCH.", ("stop.graceful",), "killed", ("stop/graceful",)),
        Kill("lives", "Lives on.", ("stop.idle",), "survived", ()),
    ),
    (),
)


def parsed(text: str) -> ET.Element:
    """The page, read by a parser that forgives nothing."""
    first, _, rest = text.partition("\n")
    assert first == "<!DOCTYPE html>"
    return ET.fromstring(rest)


def words(element: ET.Element) -> str:
    return " ".join("".join(element.itertext()).split())


def rows(document: ET.Element, section: str) -> dict[str, list[str]]:
    """The tables of a section: the first column, and what stands beside it."""
    found = document.iterfind(f".//section[@id='{section}']//tbody/tr")
    return {words(row[0]): [words(cell) for cell in row[1:]] for row in found}


def test_clauses_stand_by_level_and_by_implementation(whole_run: Run) -> None:
    table = rows(parsed(page(survey([whole_run, of(whole_run, "other")]))), "clauses")
    assert table["must"] == ["4", "3", "1 passed, 2 failed", "1 passed, 2 failed"]
    assert table["stop.graceful"] == ["must", "stop/graceful", "failed", "failed"]
    assert table["tls.handshake"] == ["may", "tls/handshake", "not judged", "not judged"]
    assert table["address.tcp.text"] == ["must", "none", "not judged", "not judged"]
    assert "restart.lossless" + "a restart loses no client: not one is refused or cut off" in table


def test_profiles_count_the_items_that_need_them(whole_run: Run) -> None:
    results = tuple(
        dataclasses.replace(result, outcome=dataclasses.replace(result.outcome, needs=(profile,)))
        for result, profile in zip(whole_run.results[:3], ("core", "core", "tls"), strict=True)
    )
    table = rows(parsed(page(survey([dataclasses.replace(whole_run, results=results)]))), "profiles")
    assert table == {"core": ["2", "1 passed, 1 failed"], "tls": ["1", "not offered"]}


def test_the_mutants_are_shown_where_they_were_given(whole_run: Run) -> None:
    document = parsed(page(survey([whole_run]), KILLS))
    assert rows(document, "mutants")["lives" + "Lives on."] == ["survived", "stop.idle", "-"]
    assert rows(document, "clauses")["stop.graceful"][2] == "1 of 1 killed"
    without = parsed(page(survey([whole_run])))
    assert without.find(".//section[@id='mutants']") is None
    assert without.find(".//a[@href='#mutants']") is None


def test_what_is_red_or_flaky_stands_open_and_the_rest_is_shut(whole_run: Run) -> None:
    document = parsed(page(survey([whole_run])))
    scenarios = document.findall(".//section[@id='scenarios']/details")
    notable = [result for result in whole_run.results if result.outcome.verdict.wants_attention]
    opened = {str(each.get("id")).removeprefix("s-") for each in scenarios if each.get("open") is not None}
    assert opened == {result.outcome.item.partition("[")[0] for result in notable}


def test_every_link_leads_to_one_place_of_the_page(whole_run: Run) -> None:
    document = parsed(page(survey([whole_run, of(whole_run, "other")]), KILLS))
    ids = [str(element.get("id")) for element in document.iter() if element.get("id") is not None]
    assert len(ids) == len(set(ids))
    links = {str(link.get("href")).removeprefix("#") for link in document.iter("a")}
    assert links
    assert links <= set(ids)


def test_the_page_needs_no_script_and_no_other_file(whole_run: Run) -> None:
    text = page(survey([whole_run]), KILLS)
    document = parsed(text)
    assert not list(document.iter("script"))
    assert not [element for element in document.iter() if {"src", "onclick", "onload"} & set(element.attrib)]
    assert "http" not in text
    assert "prefers-color-scheme:dark" in text
    assert document.find("head/meta[@name='viewport']") is not None
    assert document.get("lang") == "en"


def test_every_picture_is_described_and_every_table_has_heads(whole_run: Run) -> None:
    document = parsed(page(survey([whole_run]), KILLS))
    pictures = list(document.iter("svg"))
    assert pictures
    assert all(svg.get("role") == "img" and svg.get("aria-label") for svg in pictures)
    assert all(head.get("scope") in ("row", "col") for head in document.iter("th"))
    assert [len(row.findall("th")) for table in document.iter("tbody") for row in table] == [1] * sum(
        len(table) for table in document.iter("tbody")
    )


ANY_TEXT = st.text(st.characters(), max_size=40) | st.sampled_from(
    ["<script>", "a & b", "'\"", "]]>", "--><b>", "\x00"]
)


@settings(deadline=None, max_examples=50)
@given(texts=st.lists(ANY_TEXT, min_size=8, max_size=8), what=st.sampled_from(What))
def test_any_text_is_text_on_the_page(texts: list[str], what: What) -> None:
    name, item, title, clause, message, moment, actor, says = texts
    failure = Failure(Location(message, 1, 1), message, 0)
    outcome = Outcome(
        item, title, (clause,), name, Verdict.FAILED, Location(message, 1, 1), failure=failure, reason=message,
        timeline=(Moment(0.1, actor, what, moment, 7),), needs=(title,),
    )  # fmt: skip
    header = Header(
        "0", "s", "h", (Implementation(name, title, language=message, profiles=(title,)),), 1, Machine("3", "L", 1),
        time_scale=1.0, started="now", pace=Pace(0.009), clauses=(StatedClause(clause, title, "must", says),),
    )  # fmt: skip
    kills = Kills("h", (Kill(name, says, (clause,), "killed", (item,)),), ())
    document = parsed(page(survey([Run(header, (Result(outcome, moment),), Footer(1.0))]), kills))
    assert {element.tag for element in document.iter()} <= {
        "html", "head", "meta", "title", "style", "body", "header", "h1", "h2", "h3", "p", "code", "nav", "a", "main",
        "section", "article", "span", "div", "dl", "dt", "dd", "table", "thead", "tbody", "tr", "th", "td", "br",
        "small", "details", "summary", "ul", "li", "i", "label", "input", "pre", "svg", "path", "rect", "circle",
        "text", "tspan", "footer",
    }  # fmt: skip


def many(number: int, outcome_of: Callable[..., Outcome]) -> Iterator[Result]:
    """Items with timelines as a suite has them: four actors, fifty moments."""
    for index in range(number):
        moments = tuple(
            Moment(at / 50, f"actor{at % 4}", list(What)[at % len(What)], f"moment {at}", 4000 + at % 3)
            for at in range(50)
        )
        yield Result(
            outcome_of(f"stop/graceful{index // 4}[{index % 4}]", Verdict.PASSED, timeline=moments, seconds=0.9)
        )


def test_an_item_costs_a_few_thousand_characters(whole_run: Run, outcome_of: Callable[..., Outcome]) -> None:
    sizes = [
        len(page(survey([dataclasses.replace(whole_run, results=tuple(many(number, outcome_of)))])))
        for number in (100, 200)
    ]
    assert sizes[1] - sizes[0] < 100 * 5000
