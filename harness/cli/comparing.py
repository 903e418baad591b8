"""`harness compare` and `harness trend`: what stored reports say of one another."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from harness.cli.refusal import RefusedError
from harness.cli.stored import stored
from harness.report.compare import Comparison, IncomparableError, compare, told
from harness.report.text import printable
from harness.report.trend import trend

if TYPE_CHECKING:
    from harness.cli.arguments import Compare, Trend


def compare_reports(command: Compare) -> int:
    """Print what differs; 1 if something regressed, appeared red or was not run, 0 if not."""
    try:
        comparison = compare(stored(command.old), stored(command.new))
    except IncomparableError as error:
        raise RefusedError.of(error) from error
    if command.json:
        sys.stdout.write(json.dumps(_data(comparison), indent=2) + "\n")
    else:
        sys.stdout.write("".join(f"{printable(line)}\n" for line in told(comparison)))
    return int(comparison.is_bad)


def show_trend(command: Trend) -> int:
    """Print how it went; 0, for it judges nothing."""
    sys.stdout.write("".join(f"{line}\n" for line in trend([stored(path) for path in command.reports])))
    return 0


def _data(comparison: Comparison) -> dict[str, object]:
    return {
        "same_suite": comparison.same_suite,
        "same": comparison.same,
        "differences": [
            {
                "implementation": each.implementation,
                "item": each.item,
                "change": each.change.value,
                "old": each.old,
                "new": each.new,
                "bad": each.is_bad,
            }
            for each in comparison.differences
        ],
    }
