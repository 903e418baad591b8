"""The harness is trusted because it catches implementations that are wrong, and says how they are.

Each of these testees, in `implementations/mutants/`, is wrong in one way. It is named by the scenario of the clause
that it breaks, in a block that a person can read.
"""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONGEST_BLOCK = 25
START_LIMIT = 10.0  # seconds: the limit of the verb `start`


@dataclass(frozen=True)
class Wrong:
    """A wrong testee, the scenario that is to catch it, and what must be said of it."""

    name: str
    scenario: str
    cell: str
    verdict: str
    says: str

    @property
    def item(self) -> str:
        """The id of the item that is to catch it."""
        return self.scenario + self.cell


DEAF = r"no at_stop event of d with state 'graceful' after term"
WRONG = [
    Wrong("ignores_term", "stop/graceful", "[daemon,tcp,0]", "FAIL", DEAF),
    Wrong("ignores_term", "stop/graceful", "[server,unix,0]", "FAIL", DEAF),
    Wrong("drops_clients_on_hup", "restart/graceful", "[tcp,0]", "FAIL", r"state 'graceful'"),
    Wrong("drops_clients_on_hup", "restart/lossless", "[unix,0]", "FAIL", r"operations failed|connection of old"),
    Wrong("never_starts", "server/echo", "[server,tcp,0]", "FAIL", r"before_start"),
    Wrong("exits_at_once", "server/echo", "[server,tcp,0]", "FAIL", r"ended with status 1.*cannot find the library"),
    Wrong("leaves_child", "server/echo", "[daemon,tcp,0]", "LEAK", r"sleep 600"),
    Wrong("postprocess_twice", "callback/order-threads", "[server,tcp]", "FAIL", r"got 7, expected 6"),
    Wrong("postprocess_twice", "callback/once-per-process", "", "FAIL", r"postprocess.* got 6, expected 3"),
    Wrong("pauses_never_longer", "crash/backoff", "", "FAIL", r"number of before_start events.* got \d+"),
    Wrong("service_any_picks_first", "service/any", "[0,4]", "FAIL", r"got 1, expected 4"),
    Wrong("service_single_wanders", "service/single", "[2]", "FAIL", r"got 4,"),
    Wrong("service_unknown_without_name", "service/unknown", "[0,1]", "FAIL", r"got 'error unknown no such service'"),
    Wrong("service_exception_loses_type", "service/exception", "[2,4]", "FAIL", r"got 'error RemoteError AskedError"),
    Wrong("service_traceback_lost", "service/exception", "[0,1]", "FAIL", r"these words untraced'"),
    Wrong("service_postprocess_forward", "service/callbacks", "[0,1]", "FAIL", r"with service 'first' after"),
    Wrong("service_socket_for_all", "service/private", "[0,4]", "FAIL", r"got 'ok 4 0666'"),
    Wrong("service_stale_answered", "service/stale", "[0,1]", "FAIL", r"got 'ok \d+ new', expected a match of .*stale"),
    Wrong("service_ignores_limit", "service/timeout", "[0]", "FAIL", r"got 'ok \d+', expected a match of .*timeout"),
    Wrong(
        "resource_never_destroyed", "resource/first-last-local", "", "FAIL", r"destroy events of d: got 0, expected 1"
    ),
    Wrong("resource_answers_after_release", "resource/after-release", "[2,4]", "FAIL", r"match of .*released"),
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: f"{wrong.name}-{wrong.item}")
def test_a_wrong_testee_is_named_by_the_scenario_of_its_clause(wrong: Wrong, tmp_path: Path) -> None:
    finished = run(wrong, tmp_path)
    assert finished.returncode == 1
    assert "Traceback" not in finished.stdout + finished.stderr
    block = failure_block(finished.stdout)
    assert block[0].startswith(f"{wrong.verdict} ")
    assert wrong.item in block[0]
    assert len(block) <= LONGEST_BLOCK
    assert re.search(wrong.says, " ".join(line.strip() for line in block)), "\n".join(block)


def test_a_testee_that_dies_at_start_fails_at_once(tmp_path: Path) -> None:
    wrong = next(wrong for wrong in WRONG if wrong.name == "exits_at_once")
    finished = run(wrong, tmp_path)
    took = re.search(r"1 items? in ([\d.]+) s", finished.stdout)
    assert took
    assert float(took[1]) < START_LIMIT, "the start step's own limit is what it must not have waited for"


def run(wrong: Wrong, directory: Path) -> subprocess.CompletedProcess[str]:
    manifest = directory / "wrong.yaml"
    program = ROOT / "implementations" / "mutants" / f"{wrong.name}.py"
    manifest.write_text(
        f"name: {wrong.name}\nlanguage: python\nversion: '0'\nhomepage: 'none'\n"
        f'command: ["${{python}}", "{program}"]\nprofiles: [core, daemon, services, resources]\n'
        "setup: none\nknown: []\n",
        encoding="utf-8",
    )
    scenario = ROOT / "scenarios" / f"{wrong.scenario}.yaml"
    command = [
        sys.executable,
        "-m",
        "harness",
        "run",
        str(scenario),
        "--only",
        wrong.item,
        "--implementation",
        str(manifest),
    ]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


def failure_block(output: str) -> list[str]:
    """The lines from the verdict to the command that runs it again."""
    lines = output.splitlines()
    begin = next(number for number, line in enumerate(lines) if re.match(r"(FAIL|LEAK|ERR)", line))
    end = next(number for number, line in enumerate(lines) if number > begin and line.startswith("  again: "))
    return lines[begin : end + 1]
