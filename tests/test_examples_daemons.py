"""The scenarios for other people's daemons pass, wherever the program of each is installed."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pytest

from harness.engine.runner import Engine
from harness.engine.settings import Settings
from harness.load.scenario import load_scenarios
from harness.machine import this_machine
from harness.model.manifest import Manifest, Profile
from harness.model.outcome import Verdict
from harness.plan import Ready, Skipped, plan

EXAMPLES = Path(__file__).parents[1] / "examples" / "daemons"
DEFAULTS = EXAMPLES / "defaults.yaml"
NONE = Manifest("none", "none", "0", "", command=("false",), profiles=frozenset({Profile.CORE}), directory="/")
"""The programs under test are processes of the scenarios: no implementation of the contract takes part."""


@pytest.mark.parametrize("path", sorted(set(EXAMPLES.glob("*.yaml")) - {DEFAULTS}), ids=lambda path: path.stem)
def test_a_daemon_of_others_passes_its_scenarios(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin")
    scenarios = load_scenarios(path, root=EXAMPLES)
    for scenario in scenarios:
        planned = plan(scenario, NONE, machine=this_machine())
        if isinstance(planned, Skipped):
            pytest.skip(planned.reason)
        assert planned == Ready()
    with tempfile.TemporaryDirectory(prefix="t-") as root, Engine(Settings(root=Path(root))) as engine:
        for scenario in scenarios:
            outcome = engine.run_one(scenario, NONE)
            assert outcome.verdict is Verdict.PASSED, (outcome.failure, [m.text for m in outcome.timeline[-20:]])
