"""`harness adapter check`: from nothing to the core profile, step by step, to the first thing that is missing."""

from __future__ import annotations

import sys
import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.adapter import OPTIONAL, STEPS, Step, is_passed
from harness.cli.refusal import RefusedError
from harness.cli.suites import refusal
from harness.engine.calibration import scale_of
from harness.engine.runner import Engine
from harness.engine.settings import Settings
from harness.implementations import VersionError, version_of
from harness.load.manifest import load_manifest
from harness.model.outcome import Verdict
from harness.model.source import InvalidInputError
from harness.report.failure import why
from harness.report.text import printable

if TYPE_CHECKING:
    from harness.cli.arguments import Adapter
    from harness.model.outcome import Outcome

_WIDTH = 100


def check_adapter(command: Adapter) -> int:
    """Take the steps until one fails; 1 then, 0 when the suite can have the word."""
    try:
        manifest = load_manifest(command.manifest)
        version = version_of(manifest)
    except InvalidInputError as error:
        raise refusal(error.problems) from error
    except VersionError as error:
        raise RefusedError.of(error) from error
    _say(f"{manifest.name} {version}: its manifest can be read, and its version be told")
    with Engine(Settings(time_scale=scale_of(command.time_scale))) as engine:
        for number, step in enumerate(STEPS, 1):
            outcome = engine.run_one(step.scenario, replace(manifest, known=()))
            _say(f"{number:2} of {len(STEPS)}  {_word(outcome):<11}  {step.title}")
            if not is_passed(outcome):
                _explain(step, outcome)
                if number <= len(STEPS) - OPTIONAL:
                    return 1
    _say(f"\nnow the suite: harness run --implementation {command.manifest}")
    return 0


def _word(outcome: Outcome) -> str:
    return "not offered" if outcome.verdict is Verdict.UNSUPPORTED else outcome.verdict.value


def _explain(step: Step, outcome: Outcome) -> None:
    for title, text in (("came", why(outcome).message), ("expected", step.expects), ("next", step.next)):
        lines = textwrap.wrap(printable(text), _WIDTH - 12) or [""]
        _say(f"{title + ':':>11} {lines[0]}", *(f"{'':11} {line}" for line in lines[1:]))


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()
