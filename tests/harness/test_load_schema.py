"""The JSON Schema for editors takes every scenario, and refuses the mistakes of form that the loader refuses."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft7Validator

from harness.load.codes import Code
from harness.load.nodes import MappingNode, Node, ScalarNode, SequenceNode
from harness.load.scalars import resolve
from harness.load.scenario import read_scenarios
from harness.load.schema import defaults_schema, macros_schema, scenario_schema
from harness.load.yaml import parse
from harness.model.source import InvalidInputError
from harness.model.steps import VERBS

if TYPE_CHECKING:
    from collections.abc import Iterator

GOLDEN = Path(__file__).parent / "golden" / "load"
FOLDER = Path(__file__).parents[2] / "harness" / "schema"
SHARED = Path(__file__).parent / "actors" / "golden" / "shared.macros.yaml"
EXAMPLES = Path(__file__).parents[2] / "examples" / "daemons"
SUITE = Path(__file__).parents[2] / "scenarios"

SCHEMA = scenario_schema()
SCHEMAS = {"scenario": SCHEMA, "defaults": defaults_schema(), "macros": macros_schema()}
VALIDATOR = Draft7Validator(SCHEMA)

OF_FORM = {
    Code.ACTOR_KIND,
    Code.BAD_DURATION,
    Code.MISPLACED_OPTION,
    Code.MISSING_KEY,
    Code.NO_VERB,
    Code.TWO_VERBS,
    Code.UNKNOWN_KEY,
    Code.UNKNOWN_OPERATOR,
    Code.UNKNOWN_VALUE,
    Code.WRONG_TYPE,
}
"""The problems that a schema can see."""

UNSEEN = {
    "cell-problem",
    "missing-key-eventually",
    "missing-key-fault",
    "missing-key-load",
    "unknown-value-method",
    "missing-key-signal",
    "missing-key-tls-ca",
    "missing-key-tls-load",
    "missing-key-write",
    "unknown-value-signal-near",
    "wrong-type-reference",
}
"""What it cannot see all the same: cells, references, one of two options, and what only this machine knows."""


def data_of(node: Node) -> object:
    """The data that an editor makes of the file."""
    match node:
        case ScalarNode():
            return resolve(node)
        case SequenceNode():
            return [data_of(item) for item in node.items]
        case MappingNode():
            return {key: data_of(value) for key, (_, value) in node.entries.items()}


def read(path: Path) -> object:
    document = parse(path.read_text(encoding="utf-8"), str(path))
    assert document.root is not None
    return data_of(document.root)


def golden_mistakes_of_form() -> Iterator[str]:
    for path in sorted(GOLDEN.glob("*.input")):
        if path.stem.startswith(("list-", "manifest-", "clauses-", "not-utf8")):
            continue
        text = path.read_text(encoding="utf-8")
        document = parse(text, path.name)
        if document.problems:
            continue
        with pytest.raises(InvalidInputError) as caught:
            read_scenarios(text, path.name, name="golden")
        if {problem.code for problem in caught.value.problems} & OF_FORM:
            yield path.stem


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_file_in_the_package_is_up_to_date(name: str) -> None:
    file = FOLDER / f"{name}.schema.json"
    text = json.dumps(SCHEMAS[name], indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("GOLDEN") == "write":
        file.write_text(text, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == text, "GOLDEN=write in the environment writes it anew"


@pytest.mark.parametrize("name", SCHEMAS)
def test_it_is_a_schema_of_draft_07(name: str) -> None:
    Draft7Validator.check_schema(SCHEMAS[name])
    assert SCHEMAS[name]["$schema"] == "http://json-schema.org/draft-07/schema#"


def test_it_takes_defaults_of_a_folder() -> None:
    validator = Draft7Validator(defaults_schema())
    assert [error.message for error in validator.iter_errors(read(EXAMPLES / "defaults.yaml"))] == []
    assert validator.is_valid({"within": {"every": "5s", "start": "1m"}, "defaults": {"daemon": {"listen": "unix"}}})


@pytest.mark.parametrize(
    "defaults", [{"steps": []}, {"within": "soon"}, {"defaults": {"demon": {}}}, {"defaults": {"load": {"clnt": 1}}}]
)
def test_it_refuses_defaults_that_are_none(defaults: object) -> None:
    assert not Draft7Validator(defaults_schema()).is_valid(defaults)


@pytest.mark.parametrize("path", [GOLDEN / "a.macros.yaml", SHARED], ids=lambda path: path.name)
def test_it_takes_files_of_macros(path: Path) -> None:
    assert [error.message for error in Draft7Validator(macros_schema()).iter_errors(read(path))] == []


@pytest.mark.parametrize(
    "macro", [{}, {"steps": []}, {"steps": [{"conect": "c"}]}, {"steps": [{"connect": "c"}], "input": ["c"]}]
)
def test_it_refuses_macros_that_are_none(macro: object) -> None:
    assert not Draft7Validator(macros_schema()).is_valid({"macros": {"one": macro}})


@pytest.mark.parametrize("path", sorted(SUITE.glob("*/*.yaml")), ids=lambda path: path.stem)
def test_it_takes_every_scenario(path: Path) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(read(path))] == []


@pytest.mark.parametrize("name", list(golden_mistakes_of_form()))
def test_it_refuses_a_mistake_of_form(name: str) -> None:
    assert VALIDATOR.is_valid(read(GOLDEN / f"{name}.input")) is (name in UNSEEN)


@pytest.mark.parametrize(
    "step",
    [
        {"talk": "c", "send": "a", "expect": "b"},
        {"talk": {"to": "c", "send": "a", "expect": {"contains": "b"}}, "within": "2s"},
        {"exit": "d", "signal": "KILL"},
        {"exit": {"of": "d", "signal": "KILL"}, "as": "end"},
        {"send": "c", "line": "text"},
        {"expect": "c", "line": {"starts_with": "ok"}},
        {"eventually": {"gone": "before.server"}},
        {"eventually": "d", "log": "ready"},
        {"signal": {"to": "d", "action": "${action}", "times": "${times}"}},
    ],
)
def test_it_takes_both_forms_of_a_step(step: object) -> None:
    assert VALIDATOR.evolve(schema={**SCHEMA, "$ref": "#/definitions/step"}).is_valid(step)


@pytest.mark.parametrize(
    "step",
    [
        {},
        {"as": "x"},
        {"talk": "c", "line": "a"},
        {"talk": "c", "expect": "b"},
        {"talk": {"to": "c", "send": "a"}, "expect": "b"},
        {"send": "c", "send_line": "text"},
        {"send": "c", "line": {"contains": "a matcher, where text is sent"}},
        {"connect": "c", "close": "c"},
        {"exit": "d", "elapsed": {"contains": "5s"}},
        {"exit": "d", "elapsed": {"under": 5}},
        {"signal": {"to": "d", "times": 0}},
        {"signal": {"to": "d", "signal": "SIGTERM"}},
    ],
)
def test_it_refuses_steps_that_are_none(step: object) -> None:
    assert not VALIDATOR.evolve(schema={**SCHEMA, "$ref": "#/definitions/step"}).is_valid(step)


def test_every_verb_and_option_has_a_description() -> None:
    properties = SCHEMA["definitions"]["step"]["properties"]
    assert set(VERBS) <= set(properties)
    assert [key for key, schema in properties.items() if not schema["description"].strip()] == []
