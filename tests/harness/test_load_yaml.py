"""Text to located nodes: what is kept, where it stands, what is refused, and the same with and without libyaml."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import tracemalloc
from typing import TYPE_CHECKING, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.load import yaml
from harness.load.codes import Code
from harness.load.nodes import MappingNode, Node, ScalarNode, SequenceNode
from harness.load.scalars import resolve
from harness.load.yaml import MAX_CHARACTERS, MAX_DEPTH, MAX_NODES, MAX_PROBLEMS, Document, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Machines that do much else are slow at times."""

Data: TypeAlias = "bool | int | float | str | list[Data] | dict[str, Data] | None"

needs_libyaml = pytest.mark.skipif(yaml._C_PARSER is None, reason="ruamel.yaml.clib is not installed")


def data_of(node: Node | None) -> object:
    match node:
        case ScalarNode():
            return resolve(node)
        case SequenceNode():
            return [data_of(item) for item in node.items]
        case MappingNode():
            return {key: data_of(value) for key, (_, value) in node.entries.items()}
        case None:
            return None


def nodes_of(node: Node) -> Iterator[Node]:
    yield node
    match node:
        case SequenceNode():
            for item in node.items:
                yield from nodes_of(item)
        case MappingNode():
            for key, value in node.entries.values():
                yield key
                yield from nodes_of(value)
        case _:
            pass


def root_of(text: str) -> Node:
    document = parse(text, "file.yaml")
    assert document.problems == ()
    assert document.root is not None
    return document.root


def codes_of(text: str) -> list[str]:
    return [problem.code for problem in parse(text, "file.yaml").problems]


def without_libyaml(text: str) -> Document:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yaml, "_C_PARSER", None)
        return parse(text, "file.yaml")


def test_every_key_and_value_has_its_line_and_column_in_characters() -> None:
    root = root_of("é: [ü, 'ö']\nlist:\n  - {a: b}\n")
    places = [(type(node).__name__, node.line, node.column) for node in nodes_of(root)]
    assert places == [
        ("MappingNode", 1, 1),
        ("ScalarNode", 1, 1),
        ("SequenceNode", 1, 4),
        ("ScalarNode", 1, 5),
        ("ScalarNode", 1, 8),
        ("ScalarNode", 2, 1),
        ("SequenceNode", 3, 3),
        ("MappingNode", 3, 5),
        ("ScalarNode", 3, 6),
        ("ScalarNode", 3, 9),
    ]


def test_the_authors_characters_are_kept() -> None:
    root = root_of("[1.20, yes, 0o17, 1_000, 2026-01-01, ~, 010]")
    assert isinstance(root, SequenceNode)
    texts = [item.text for item in root.items if isinstance(item, ScalarNode)]
    assert texts == ["1.20", "yes", "0o17", "1_000", "2026-01-01", "~", "010"]


def test_quotes_are_taken_off_and_remembered() -> None:
    root = root_of("""["1", '1', 1]""")
    assert isinstance(root, SequenceNode)
    assert [(item.text, item.plain) for item in root.items if isinstance(item, ScalarNode)] == [
        ("1", False),
        ("1", False),
        ("1", True),
    ]


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    assert data_of(root_of("\ufeffa: b")) == {"a": "b"}


def test_lines_may_end_as_on_any_system() -> None:
    root = root_of("a: 1\r\nb: 2\rc: 3\n")
    assert isinstance(root, MappingNode)
    assert [key.line for key, _ in root.entries.values()] == [1, 2, 3]


def test_a_block_of_text_is_kept_with_its_lines() -> None:
    assert data_of(root_of("a: |\n  one\n\n    two\n")) == {"a": "one\n\n  two\n"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: &b c", Code.ALIAS),
        ("a: *b", Code.ALIAS),
        ("a: !b c", Code.TAG),
        ("a: ! c", Code.TAG),
        ("a: !b [c]", Code.TAG),
        ("!b\na: c", Code.TAG),
        ("<<: {a: b}", Code.MERGE_KEY),
        ("? [a]\n: b", Code.KEY_TYPE),
        ("? {a: b}\n: c", Code.KEY_TYPE),
        (": b", Code.KEY_TYPE),
        ("a: 1\na: 2", Code.DUPLICATE_KEY),
        ("a: 1\n'a': 2", Code.DUPLICATE_KEY),
        ("a: b\n---\nc: d", Code.SECOND_DOCUMENT),
        ("a: b\n...\n", Code.SECOND_DOCUMENT),
        ("%YAML 1.2\n---\na: b", Code.DIRECTIVE),
        ("%TAG ! tag:example.org,2000:\n---\na: b", Code.DIRECTIVE),
        ("", Code.EMPTY_FILE),
        ("---\n", Code.EMPTY_FILE),
        ("text", Code.WRONG_TYPE),
        ("a:\n\tb: c", Code.TAB),
        ("a:\tb", Code.TAB),
        ("a: \x00", Code.CHARACTER),
        ("a: \x85", Code.CHARACTER),
        ("a: \ufeff", Code.CHARACTER),
        ("a: \udc80", Code.CHARACTER),
        ('a: "\\udc80"', Code.CHARACTER),
        ('a: "\\U00110000"', Code.CHARACTER),
        ("a: |#x\n  b", Code.SYNTAX),
        ("a: |\n  \n  b", Code.SYNTAX),
    ],
)
def test_what_is_no_part_of_the_language_is_refused(text: str, code: Code) -> None:
    assert codes_of(text) == [code]
    assert [problem.code for problem in without_libyaml(text).problems] == [code]


def test_a_tab_within_text_is_text() -> None:
    assert data_of(root_of('a: "b\tc" # \t\nd: |\n  e\tf\n')) == {"a": "b\tc", "d": "e\tf\n"}


def test_a_key_without_a_quoted_merge_sign_is_an_ordinary_key() -> None:
    assert data_of(root_of("'<<': a")) == {"<<": "a"}


def test_a_duplicate_key_names_both_places_and_the_first_stands() -> None:
    document = parse("a: 1\nb:\n  c: 2\n  c: 3\n", "file.yaml")
    (problem,) = document.problems
    assert (problem.location.line, problem.location.column) == (4, 3)
    assert problem.hint == "the first is at line 3, column 3"
    assert data_of(document.root) == {"a": 1, "b": {"c": 2}}


def test_all_problems_are_told_up_to_a_limit() -> None:
    many = "".join("a: 1\n" for _ in range(10 * MAX_PROBLEMS))
    assert len(codes_of(many)) == MAX_PROBLEMS
    assert codes_of("a: 1\na: 2\nb: !c d\n") == [Code.DUPLICATE_KEY, Code.TAG]


def test_nesting_is_allowed_down_to_the_limit() -> None:
    assert codes_of("[" * MAX_DEPTH + "]" * MAX_DEPTH) == []
    assert codes_of("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)) == [Code.TOO_DEEP]


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n"
    for before, name in zip("abcdefghij", "bcdefghijk", strict=True)
)

HOSTILE = {
    "brackets": ("[" * 50_000, Code.TOO_DEEP),
    "braces": ("{a: " * 50_000, Code.TOO_DEEP),
    "dashes": ("- " * 50_000, Code.TOO_DEEP),
    "question-marks": ("? " * 50_000, Code.TOO_DEEP),
    "alias-bomb": (BOMB, Code.ALIAS),
    "merge-bomb": ("a: &a {b: c}\n" + "d: {<<: [" + "*a, " * 20_000 + "]}\n", Code.ALIAS),
    "values": ("- a\n" * (MAX_NODES + 1), Code.TOO_MANY),
    "characters": ("a: " + "b" * MAX_CHARACTERS, Code.TOO_LARGE),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_is_refused_within_bounds(name: str) -> None:
    text, code = HOSTILE[name]
    tracemalloc.start()
    began = time.process_time()
    document = parse(text, "file.yaml")
    seconds = time.process_time() - began
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert document.problems[-1].code == code
    assert most < 100_000_000
    assert seconds < 30


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_is_refused_without_libyaml_too(name: str) -> None:
    text, code = HOSTILE[name]
    began = time.process_time()
    document = without_libyaml(text)
    assert document.problems[-1].code == code
    assert time.process_time() - began < 30


@pytest.mark.parametrize("text", ["[" * 3000 + "]" * 3000, '"' + "\\n" * 20_000 + '"', "#" * 100_000, " " * 100_000])
def test_odd_text_is_read_or_refused(text: str) -> None:
    document = parse(text, "file.yaml")
    assert document.problems


SNIPPETS = [
    *"ab:[]{},'\"#|>%\t\\@`~-?&*!$=",
    " ", "  ", "\n", "\n  ", "\n    ", "\r", "\r\n", "- ", ": ", "? ", "|\n", "|-\n", ">+\n", "|2\n", "a: b\n", "- a\n",
    "---", "...", "<<", "é", "あ", "\\n", "\\u0041", "\\ud800", "${x}", "0x1F", "!!str ", "&a ", "*a ", "%YAML 1.2\n",
]  # fmt: skip
yaml_like = st.lists(st.sampled_from(SNIPPETS), max_size=15).map("".join)


@needs_libyaml
@patient
@given(yaml_like)
def test_the_same_texts_mean_the_same_without_libyaml(text: str) -> None:
    fast, pure = parse(text, "file.yaml"), without_libyaml(text)
    assert bool(fast.problems) == bool(pure.problems)
    if not fast.problems:
        assert fast == pure


@patient
@given(st.one_of(yaml_like, st.text(), st.text(st.characters(), max_size=30)))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    document = parse(text, "file.yaml")
    assert (document.root is not None) or document.problems
    lines = text.count("\n") + text.count("\r") + 1
    for problem in document.problems:
        assert 1 <= problem.location.line <= lines
        assert problem.location.column >= 1


words = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="\ufeff\ufffe\uffff"))
data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=15,
)


@patient
@given(st.lists(data, max_size=4) | st.dictionaries(words, data, max_size=4))
def test_json_is_read_as_what_it_means(value: object) -> None:
    assert data_of(root_of(json.dumps(value, indent=1, ensure_ascii=False))) == value


def test_it_works_where_libyaml_is_not_installed() -> None:
    program = (
        "import sys; sys.modules['_ruamel_yaml'] = None; sys.modules['ruamel.yaml.clib'] = None\n"
        "from harness.load import yaml\n"
        "assert yaml._C_PARSER is None\n"
        "print(yaml.parse('a: [b, 1.20]', 'f').root.get('a').items[1].text)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout, done.returncode) == ("1.20\n", 0), done.stderr
