"""The one style of scenario files: what is laid out anew, what is kept, and what is left alone."""

from __future__ import annotations

import io
import textwrap
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from harness.load.clauses import CLAUSES_FILE
from harness.load.format import comments, formatted
from harness.load.nodes import MappingNode, Node, ScalarNode, SequenceNode
from harness.load.suite import scenario_files
from harness.load.yaml import parse
from harness.model.source import InvalidInputError

ROOT = Path(__file__).parents[2]
SHIPPED = [ROOT / "scenarios", ROOT / "examples"]


def laid_out(text: str) -> str:
    once = formatted(textwrap.dedent(text), "x.yaml")
    assert formatted(once, "x.yaml") == once
    return once


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("scenario:   a\nactors:\n    d:    {daemon:   probe}\n", "scenario: a\nactors:\n  d: {daemon: probe}\n"),
        ("steps:\n- start: d\n-   connect: c\n", "steps:\n  - start: d\n  - connect: c\n"),
        ("clauses: [ a,b,\n  c ]\n", "clauses: [a, b, c]\n"),
        ("a: b\r\nc: d\r\n", "a: b\nc: d\n"),
        ("a: b\n\n\n\nc: d", "a: b\n\nc: d\n"),
        ("# why\na: b # so\n\n# end\n", "# why\na: b # so\n\n# end\n"),
        ("a: 1.20\nb: 0640\nc: yes\nd: 0x1F\ne: null\nf: 2001-01-01\n", None),
        ("a: 'it''s'\nb: \"it's\"\nc: it's\n", None),
        ("a: |\n  one\n\n\n\n  two # no comment\nb: >-\n  three\n", None),
        ('a: "${x} # no comment"\n', None),
        ("a: {b: [c, {d: e}], f: []}\n", None),
    ],
)
def test_a_file_is_laid_out(text: str, wanted: str | None) -> None:
    assert laid_out(text) == (text if wanted is None else wanted)


def test_a_flow_collection_that_is_too_long_for_a_line_becomes_a_block() -> None:
    word = "w" * 60
    assert laid_out(f"a: {{b: {{c: {word}, d: x}}, e: {word}}}\n") == (f"a:\n  b: {{c: {word}, d: x}}\n  e: {word}\n")
    assert laid_out(f"- talk: {{to: c, send: {word}, expect: {word}}}\n") == (
        f"  - talk:\n      to: c\n      send: {word}\n      expect: {word}\n"
    )


def test_text_is_never_broken_however_long_it_is() -> None:
    text = "a: " + "long " * 100 + "text\n"
    assert laid_out(text) == text


@pytest.mark.parametrize("text", ["a: [b, # why\n  c]\n", "a: {b: c, # why\n  d: e}\n", "a: [ # why\n  b]\n"])
def test_a_comment_that_would_be_lost_is_pointed_at(text: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        formatted(text, "x.yaml")
    (problem,) = raised.value.problems
    assert str(problem) == f"x.yaml:1:{text.index('#') + 1}: formatting would lose this comment"


@pytest.mark.parametrize("text", ["a: [", "a: &x b\n", "", "a: 1\na: 2\n"])
def test_what_is_no_scenario_s_yaml_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        formatted(text, "x.yaml")
    assert raised.value.problems == parse(text, "x.yaml").problems


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("# one\na: b # two\nc: 'd # no'\n", ["# one", "# two"]),
        ("a: | # one\n  text # no\n# two\nb: c#no\n", ["# one", "# two"]),
        ("a: [b, # one\n  c] # two\n", ["# one", "# two"]),
        ("a: b\n#", ["#"]),
    ],
)
def test_comments_are_told_from_text(text: str, found: list[str]) -> None:
    assert comments(text) == found


@pytest.mark.parametrize(
    "folder",
    sorted({file.parent for file in scenario_files(SHIPPED)}),
    ids=lambda folder: str(folder.relative_to(ROOT)),
)
def test_the_shipped_files_are_in_the_style(folder: Path) -> None:
    files = [path for path in scenario_files([folder]) if path.parent == folder and path.name != CLAUSES_FILE]
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert formatted(text, str(path)) == text, f"harness format {path}"
        other = in_another_style(text)
        again = formatted(other, str(path))
        assert (says(again), comments(again)) == (says(other), comments(text))


def in_another_style(text: str) -> str:
    """The same file with other indents, and lists at the margin of their keys."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 1_000_000
    yaml.indent(mapping=4, sequence=2, offset=0)
    stream = io.StringIO()
    yaml.dump(yaml.load(text), stream)
    return stream.getvalue()


def says(text: str) -> object:
    """The nodes of a file without their places."""

    def of(node: Node | None) -> object:
        match node:
            case ScalarNode():
                return node.text, node.plain
            case SequenceNode():
                return [of(item) for item in node.items]
            case MappingNode():
                return [(of(key), of(value)) for key, value in node.entries.values()]
            case None:
                return None

    document = parse(text, "")
    assert not document.problems
    return of(document.root)
