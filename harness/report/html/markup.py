"""Markup as a type of its own: text becomes markup by being escaped, and in no other way."""

from __future__ import annotations

from typing import NewType
from xml.sax.saxutils import escape, quoteattr

from harness.report.text import printable

Markup = NewType("Markup", str)
"""Well-formed HTML."""

_EMPTY = ("circle", "input", "meta", "path", "rect")
"""Elements without content, in HTML or in SVG."""


def text(value: object) -> Markup:
    """Any text, as itself; what is not printable becomes an escape, as on a terminal."""
    return Markup(escape(printable(str(value))))


def element(tag: str, /, *content: Markup, **attributes: str | None) -> Markup:
    """An element. `class_` is class, other `_` are `-`; an attribute of None is left out."""
    said = "".join(
        f" {key.rstrip('_').replace('_', '-')}={quoteattr(printable(value))}"
        for key, value in attributes.items()
        if value is not None
    )
    if tag in _EMPTY:
        return Markup(f"<{tag}{said}/>")
    return Markup(f"<{tag}{said}>{''.join(content)}</{tag}>")


def joined(*parts: Markup, between: str = "") -> Markup:
    """Markup one after another; `between` is white space."""
    return Markup(between.join(parts))


def table(head: list[Markup], body: list[list[Markup]], *, label: str) -> Markup:
    """A table whose first column heads its rows, and that scrolls on its own where the screen is too narrow."""
    top = element("tr", *(element("th", cell, scope="col") for cell in head))
    rows = [element("tr", element("th", row[0], scope="row"), *row[1:]) for row in body]
    made = element("table", element("thead", top), element("tbody", joined(*rows, between="\n")))
    return element("div", made, class_="wide", role="region", aria_label=label, tabindex="0")


def cell(*content: Markup, class_: str | None = None) -> Markup:
    """A cell of a table."""
    return element("td", *content, class_=class_)
