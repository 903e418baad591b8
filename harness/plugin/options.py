"""What the user asked for on pytest's command line, and whether it can be followed."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

AUTO = "auto"
"""The time scale that is measured."""


def check_options(config: pytest.Config) -> None:
    """Raises pytest.UsageError for what cannot be followed, before anything is collected."""
    time_scale(config)
    arguments = implementations(config)
    if not arguments:
        return
    from harness.implementations import UnknownImplementationError, find, folders
    from harness.selection import hint

    where = folders([config.rootpath, *(Path(argument.partition("::")[0]) for argument in config.args)])
    for argument in arguments:
        try:
            find(argument, where)
        except UnknownImplementationError as error:
            raise pytest.UsageError(f"--implementation: {error}{hint(error.name, error.known)}") from None


def implementations(config: pytest.Config) -> tuple[str, ...]:
    """What `--implementation` was given, each once; empty for the default."""
    given: list[str] = config.getoption("--implementation")
    return tuple(dict.fromkeys(given))


def time_scale(config: pytest.Config) -> float | None:
    """The factor for upper bounds in time, None where it is to be measured. Raises pytest.UsageError if it is none."""
    text: str = config.getoption("--time-scale")
    if text == AUTO:
        return None
    try:
        scale = float(text)
    except ValueError:
        scale = math.nan
    if not 0 < scale < math.inf:
        raise pytest.UsageError(f"--time-scale: expected a number above 0 or {AUTO}, got {text!r}")
    return scale
