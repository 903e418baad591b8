"""`file` and `write`: what is in the file system, looked at and written by a scenario."""

from __future__ import annotations

import typing
from typing import TYPE_CHECKING

import pytest

from harness.model import steps
from harness.model.outcome import Verdict

if TYPE_CHECKING:
    from tests.harness.conftest import Run

ACTORS = """
    actors:
      p: {process: [sh, -c, "exec 9>lock; flock 9; ln -s /nowhere link; echo up; exec sleep 1000"], ready: {log: up}}
    steps:
      - start: p
"""


@pytest.mark.parametrize(
    "step",
    [
        '{path: "${p.directory}/lock", locked: true, exists: true}',
        '{path: "/proc/${p.pid}/cwd", target: "${p.directory}"}',
        '{path: none, exists: false}',
        '{path: note, locked: false, content: "written", mode: "0600"}',
        '{path: note, content: {length: 7}}',
    ],
)  # fmt: skip
def test_a_file_is_as_it_is_expected_to_be(run: Run, step: str) -> None:
    outcome = run(f"""{ACTORS}
      - write: {{path: note, content: written, mode: "0600"}}
      - file: {step}
""")
    assert outcome.verdict is Verdict.PASSED, outcome.failure


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ('{path: "${p.directory}/lock", locked: false}', "lock is locked, expected nobody to hold flock(2) on it"),
        ("{path: note, locked: true}", "note is not locked, expected somebody to hold flock(2) on it"),
        ("{path: note, exists: false}", "note is there, expected none"),
        ('{path: "${p.directory}/link", exists: true}', "link cannot be looked at: No such file or directory"),
        ('{path: "${p.directory}/link", exists: false}', "link is there, expected none"),
        ("{path: none, exists: true}", "none cannot be looked at: No such file or directory"),
        ("{path: none, content: x}", "none cannot be looked at: No such file or directory"),
        ("{path: note, content: other}", "note: got 'written', expected 'other'"),
        ('{path: note, mode: "0640"}', "note: got '0644', expected '0640'"),
        ("{path: note, target: /nowhere}", "note cannot be looked at: Invalid argument"),
        ('{path: ".", content: x}', "cannot be looked at: Is a directory"),
    ],
)
def test_a_file_that_is_otherwise_fails_with_what_it_is(run: Run, step: str, message: str) -> None:
    outcome = run(f"""{ACTORS}
      - write: {{path: note, content: written, mode: "0644"}}
      - file: {step}
""")
    assert outcome.verdict is Verdict.FAILED, outcome.failure
    assert outcome.failure is not None
    assert outcome.failure.message.endswith(message)


def test_a_file_that_cannot_be_written_is_an_error(run: Run) -> None:
    outcome = run(f"""{ACTORS}
      - write: {{path: no/such/directory, content: x}}
""")
    assert outcome.verdict is Verdict.ERRORED
    assert outcome.failure is not None
    assert outcome.failure.message.endswith("no/such/directory cannot be written: No such file or directory")


def test_every_verb_is_a_step_that_the_engine_carries_out() -> None:
    # `perform` takes any `Step` and is closed with assert_never; here, that `Step` has all verbs.
    assert set(typing.get_args(steps.Step)) == set(steps.VERBS.values())
