"""For each kind of actor, and each verb about any of them: scenarios that pass, and others that fail as they should,
in the words of the golden file beside them.

`golden/NAME-right.yaml` passes; `golden/NAME-wrong.yaml` ends as `NAME-wrong.expected` says: verdict, place, message.
With GOLDEN=write in the environment the expected files are written anew, to be read before they are committed.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.engine.runner import Engine
from harness.engine.settings import Settings
from harness.load.scenario import load_scenarios
from harness.machine import this_machine
from harness.model.outcome import Verdict
from harness.model.steps import VERBS
from harness.plan import Ready, Skipped, plan

if TYPE_CHECKING:
    from harness.model.manifest import Manifest
    from harness.model.outcome import Outcome
    from harness.model.source import Location

GOLDEN = Path(__file__).parent / "golden"
RIGHT = sorted(GOLDEN.glob("*-right.yaml"))
WRONG = sorted(GOLDEN.glob("*-wrong.yaml"))

CANNOT_FAIL = {
    # They do no more than remember a moment, or let time pass.
    "mark",
    "pause",
    # What could be wrong with them is refused before anything starts.
    "fault",
    "resize",
    # What fails is a step within them.
    "parallel",
    "use",
}


@pytest.mark.parametrize("path", RIGHT, ids=lambda path: path.stem)
def test_an_actor_does_what_a_scenario_asks_of_it(path: Path, small: Manifest, root: Path) -> None:
    for outcome in outcomes_of(path, small, root):
        assert outcome.verdict is Verdict.PASSED, (outcome.failure, [moment.text for moment in outcome.timeline[-20:]])


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_what_an_actor_misses_is_told_as_the_golden_file_says(path: Path, small: Manifest, root: Path) -> None:
    (outcome,) = outcomes_of(path, small, root)
    failure = outcome.failure
    assert failure is not None, outcome.verdict
    lines = [f"{outcome.verdict} {_placed(failure.location)}: {failure.message}"]
    lines += [f"  used at {_placed(frame)}" for frame in failure.frames]
    told = without_chance("".join(f"{line}\n" for line in lines), root)
    expected = path.with_suffix(".expected")
    if os.environ.get("GOLDEN") == "write":
        expected.write_text(told, encoding="utf-8")
    assert told == expected.read_text(encoding="utf-8")


def test_every_verb_that_can_fail_does_so_somewhere() -> None:
    assert {_failing_verb(path) for path in WRONG} == VERBS.keys() - CANNOT_FAIL


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.glob("*.expected")} == {path.stem for path in WRONG}


def outcomes_of(path: Path, manifest: Manifest, root: Path) -> list[Outcome]:
    scenarios = load_scenarios(path, root=GOLDEN)
    planned = plan(scenarios[0], manifest, machine=this_machine())
    if isinstance(planned, Skipped):
        pytest.skip(planned.reason)
    assert planned == Ready()
    with Engine(Settings(root=root)) as engine:
        return [engine.run_one(scenario, manifest) for scenario in scenarios]


def _failing_verb(path: Path) -> str:
    """The verb of the step that stands where the golden file says that the item failed."""
    told = re.match(r"\w+ ([\w.-]+):(\d+):", path.with_suffix(".expected").read_text(encoding="utf-8"))
    assert told is not None, path
    (file,) = GOLDEN.rglob(told[1])
    for line in reversed(file.read_text(encoding="utf-8").splitlines()[: int(told[2])]):
        if (step := re.match(r" *- (\w+):", line)) and step[1] in VERBS:
            return step[1]
    raise AssertionError(f"{path.name} fails at no step")


def _placed(location: Location) -> Location:
    return replace(location, file=Path(location.file).name)


def without_chance(text: str, root: Path) -> str:
    """Workspaces, ports and pids become signs of the same kind."""
    for pattern, sign in [
        (re.escape(str(root.resolve())) + r"/h-\w+", "/h-x"),
        (r"127\.0\.0\.1:\d+", "127.0.0.1:1"),
        (r"\[\d+\]", "[1]"),
        (r"\d+ ms|\b[\d.]+m?s(?= after)", "1 ms"),
        (r"\bprocess \d+", "process 1"),
        (r"\b(before_start|preprocess) \(\d+\)", r"\1 (1)"),
        (r"\bgot \d+, expected the same as (\S+) \(\d+\)", r"got 1, expected the same as \1 (2)"),
    ]:
        text = re.sub(pattern, sign, text)
    return text
