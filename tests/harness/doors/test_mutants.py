"""`harness mutants`: a suite that finds its mutants out is good, one that does not is told so."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.harness.doors.conftest import SMALL, complaints

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.doors.conftest import Harness, Write

PROGRAM = f"""\
import os, sys
os.execve(sys.executable, [sys.executable, "-I", "-S", "{SMALL}", sys.argv[1]], {{**os.environ, "FAULTS": "FAULT"}})
"""


@pytest.fixture
def mutant(write: Write) -> Callable[[str, str, str], None]:
    """Writes mutants of the small testee."""

    def write_mutant(name: str, clause: str, fault: str) -> None:
        docstring = f'"""Is wrong. Breaks {clause}."""\n'
        program = PROGRAM.replace('"FAULT"', f'"{fault}"')
        write(f"implementations/mutants/{name}.py", docstring + program)

    return write_mutant


@pytest.fixture(autouse=True)
def suite(write: Write) -> None:
    """A scenario of `stop.clean` that the reference passes."""
    write(
        "scenarios/stop/clean.yaml",
        """\
        scenario: it ends well
        clauses: [stop.clean]
        actors:
          d: {daemon: probe}
        steps:
          - start: d
          - stop: d
        """,
    )


def in_any_order(text: str) -> str:
    """Mutants are told as they end."""
    told, _, summary = text.partition("\n\n")
    return "\n".join(sorted(re.sub(" +", " ", told).splitlines())) + "\n\n" + summary


def test_the_matrix_says_who_found_out_whom(harness: Harness, mutant: Callable[[str, str, str], None]) -> None:
    mutant("bad_end", "stop.clean", "status_3")
    mutant("leaves", "stop.clean", "leave_child")
    done = harness("mutants", "scenarios/stop/clean.yaml", "scenarios/talk/echo.yaml")
    assert complaints(done.stderr) == ""
    assert in_any_order(done.stdout) == (
        "killed bad_end breaks stop.clean: stop/clean 1 of 1\n"
        "killed leaves breaks stop.clean: stop/clean 1 of 1\n"
        "\n"
        "clauses of level must without a mutant: talk.echo\n"
        "2 mutants: 2 killed, 0 survived, 0 not judged\n"
    )
    assert done.returncode == 0


def test_a_survivor_is_red(harness: Harness, mutant: Callable[[str, str, str], None]) -> None:
    mutant("bad_end", "stop.clean", "status_3")
    mutant("rude", "talk.echo", "")
    done = harness("mutants", "scenarios/stop/clean.yaml", "scenarios/talk/echo.yaml", "--json")
    told = json.loads(done.stdout)
    assert told["without_mutant"] == []
    assert [(row["mutant"], row["fate"]) for row in told["mutants"]] == [("bad_end", "killed"), ("rude", "survived")]
    assert told["mutants"][1] == {
        "mutant": "rude",
        "says": "Is wrong.",
        "clauses": ["talk.echo"],
        "fate": "survived",
        "items": {"talk/echo[tcp]": {"verdict": "passed"}, "talk/echo[unix]": {"verdict": "passed"}},
    }
    judgement = told["mutants"][0]["items"]["stop/clean"]
    assert judgement["verdict"] == "failed"
    assert judgement["message"].startswith("d ended with status 3, expected status 0 after TERM")
    assert done.returncode == 1


def test_one_kill_may_do_and_one_mutant_be_chosen(harness: Harness, mutant: Callable[[str, str, str], None]) -> None:
    mutant("bad_end", "talk.echo", "status_3")
    mutant("rude", "talk.echo", "")
    done = harness("mutants", "scenarios/talk/echo.yaml", "--only", "bad_end", "--first", "--jobs", "1")
    assert done.stdout == (
        "killed      bad_end  breaks talk.echo: talk/echo 1 of 1\n\n1 mutant: 1 killed, 0 survived, 0 not judged\n"
    )
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--only", "bad_and"], "there is no mutant 'bad_and'; did you mean 'bad_end'?"),
        (["--jobs", "0"], "argument --jobs: expected a whole number from 1, got '0'"),
    ],
)
def test_what_is_not_there_is_refused(
    harness: Harness, mutant: Callable[[str, str, str], None], arguments: list[str], complaint: str
) -> None:
    mutant("bad_end", "stop.clean", "status_3")
    done = harness("mutants", *arguments)
    assert done.stderr.splitlines()[0] == f"harness: error: {complaint}"
    assert done.returncode == 2


def test_a_mutant_that_does_not_say_what_it_breaks_is_refused(harness: Harness, write: Write) -> None:
    write("implementations/mutants/mute.py", "pass\n")
    done = harness("mutants")
    assert "mutants/mute.py: its docstring does not end with `Breaks CLAUSE.`" in done.stderr
    assert done.returncode == 2
