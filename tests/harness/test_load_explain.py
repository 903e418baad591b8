"""Every code is explained, and each example of a mistake is that mistake and no other."""

from __future__ import annotations

import pytest

from harness.load.codes import Code
from harness.load.explain import EXPLANATIONS, in_frame
from harness.load.scenario import read_scenarios
from harness.model.source import InvalidInputError

SHOWN = [code for code in Code if EXPLANATIONS[code].bad]


def codes_of(text: str) -> set[str]:
    try:
        read_scenarios(text, "example.yaml", name="example")
    except InvalidInputError as error:
        return {problem.code for problem in error.problems}
    return set()


def test_every_code_is_explained_and_no_other() -> None:
    assert set(EXPLANATIONS) == set(Code)


@pytest.mark.parametrize("code", SHOWN)
def test_the_example_of_a_mistake_is_that_mistake(code: Code) -> None:
    assert code in codes_of(in_frame(EXPLANATIONS[code].bad))


@pytest.mark.parametrize("code", SHOWN)
def test_the_example_of_what_was_meant_has_no_problem(code: Code) -> None:
    assert EXPLANATIONS[code].good
    assert codes_of(in_frame(EXPLANATIONS[code].good)) == set()
