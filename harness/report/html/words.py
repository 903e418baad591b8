"""The words and the colours of verdicts and standings, the same all over the page; no colour is without its word."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, assert_never

from harness.model.outcome import Verdict
from harness.report.conformance import Standing
from harness.report.html.markup import Markup, element, text

if TYPE_CHECKING:
    from harness.report.run import Tally

_PLAIN = re.compile(r"[A-Za-z0-9/._-]")
ORDER = ("ok", "known", "red", "open")


def colour(verdict: Verdict) -> str:
    """The class of a verdict: ok, known, red or open."""
    if verdict.is_red:
        return "red"
    match verdict:
        case Verdict.PASSED:
            return "ok"
        case Verdict.XFAILED | Verdict.FLAKY:
            return "known"
        case _:
            return "open"


def colour_of(standing: Standing) -> str:
    """The class of where a clause stands."""
    match standing:
        case Standing.PASSED:
            return "ok"
        case Standing.KNOWN:
            return "known"
        case Standing.FAILED:
            return "red"
        case Standing.OPEN:
            return "open"
        case _:
            assert_never(standing)


def pill(verdict: Verdict | None, words: str) -> Markup:
    """Some words on the colour of a verdict; None is not run."""
    return element("span", text(words), class_=f"v {'open' if verdict is None else colour(verdict)}")


def share(counts: Tally) -> Markup:
    """A bar that shows how many of all are ok, known, red and open; the numbers beside it say it in words."""
    sums = dict.fromkeys(ORDER, 0)
    for verdict, count in counts.counts.items():
        sums[colour(verdict)] += count
    parts = [element("span", class_=name, style=f"flex:{count}") for name, count in sums.items() if count]
    return element("div", *parts, class_="share", aria_hidden="true")


def anchor(kind: str, name: str) -> str:
    """An id of the page, `s-restart/lossless`; what has no place in the address of a page becomes its code."""
    return f"{kind}-" + "".join(each if _PLAIN.match(each) else f"~{ord(each):x}" for each in name)
