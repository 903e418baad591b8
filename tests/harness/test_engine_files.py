"""`file` and `write`: what is in the file system, looked at and written by a scenario."""

from __future__ import annotations

import grp
import os
import pwd
import typing
from typing import TYPE_CHECKING

import pytest

from harness.model import steps
from harness.model.outcome import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.conftest import Run

OWNER, GROUP = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name

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
        f'{{path: note, owner: "{OWNER}", group: "{GROUP}"}}',
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
        ("{path: note, owner: nemo}", f"note: got '{OWNER}', expected 'nemo'"),
        ("{path: note, group: nemo}", f"note: got '{GROUP}', expected 'nemo'"),
        ("{path: none, owner: nemo}", "none cannot be looked at: No such file or directory"),
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


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_the_owner_without_a_name_is_told_by_number(run: Run, tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.touch()
    os.chown(given, 64999, 64998)
    outcome = run(f"""{ACTORS}
      - file: {{path: {given}, owner: "64999", group: "64998"}}
""")
    assert outcome.verdict is Verdict.PASSED, outcome.failure


def test_a_file_that_cannot_be_written_is_an_error(run: Run) -> None:
    outcome = run(f"""{ACTORS}
      - write: {{path: no/such/directory, content: x}}
""")
    assert outcome.verdict is Verdict.ERRORED
    assert outcome.failure is not None
    assert outcome.failure.message.endswith("no/such/directory cannot be written: No such file or directory")


def test_a_file_is_copied_with_whatever_is_in_it(run: Run) -> None:
    outcome = run(f"""{ACTORS}
      - write: {{path: one, content: "a\\u0000b"}}
      - write: {{path: other, copy: one, mode: "0600"}}
      - file: {{path: other, content: "a\\u0000b", mode: "0600"}}
""")
    assert outcome.verdict is Verdict.PASSED


def test_a_file_that_cannot_be_copied_is_an_error(run: Run) -> None:
    outcome = run(f"""{ACTORS}
      - write: {{path: other, copy: nowhere}}
""")
    assert outcome.failure is not None
    assert outcome.failure.message.endswith("nowhere cannot be copied: No such file or directory")


def test_every_verb_is_a_step_that_the_engine_carries_out() -> None:
    # `perform` takes any `Step` and is closed with assert_never; here, that `Step` has all verbs.
    assert set(typing.get_args(steps.Step)) == set(steps.VERBS.values())
