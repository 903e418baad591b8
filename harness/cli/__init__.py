"""The command line: it parses and calls, and turns what a user got wrong into a sentence and exit status 2.

    0    nothing is red
    1    something is red, or the run could not be finished (a full disk)
    2    the input is invalid (a scenario, a manifest, the usage, an empty selection): nothing was started
    3    nothing is red, but something is flaky: it was red, and no longer when `--retry` tried it again
    130  interrupted with Ctrl-C (143 by TERM): everything was stopped, the reports are whole and say what was not run

Each command is a module of this package that is imported when it is called: `harness --help` must not wait for YAML.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, assert_never

from harness.cli.arguments import (
    Adapter,
    Check,
    Compare,
    Explain,
    Format,
    List,
    Mutants,
    New,
    Record,
    Report,
    Run,
    Show,
    Trend,
    parse,
)
from harness.cli.refusal import RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.cli.arguments import Command

UNFINISHED, INVALID, INTERRUPTED, BROKEN_PIPE = 1, 2, 130, 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command line and give its exit status. Raises SystemExit for `--help` and for bad usage."""
    for stream in (sys.stdout, sys.stderr):
        _never_fail_to_encode(stream)
    try:
        status = _call(parse(sys.argv[1:] if arguments is None else arguments))
        sys.stdout.flush()
    except RefusedError as refusal:
        sys.stderr.write(f"{refusal}\n")
        return INVALID
    except KeyboardInterrupt:
        sys.stderr.write("harness: interrupted\n")
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone, which is theirs to decide.
        _give_up_output()
        return BROKEN_PIPE
    except OSError as error:
        # A full disk, mostly. The engine has stopped whatever ran, and no report claims to be whole.
        _give_up_output()
        sys.stderr.write(f"harness: error: this could not be finished: {(error.strerror or str(error)).lower()}\n")
        return UNFINISHED
    return status


def _call(command: Command) -> int:  # noqa: C901  # a case for each command
    match command:
        case Run():
            from harness.cli.running import run

            return run(command)
        case Check():
            from harness.cli.checking import check

            return check(command)
        case Format():
            from harness.cli.formatting import format_files

            return format_files(command)
        case New():
            from harness.cli.beginning import begin

            return begin(command)
        case Record():
            from harness.cli.recording import record

            return record(command)
        case Explain():
            from harness.cli.explaining import explain

            return explain(command)
        case Show():
            from harness.cli.explaining import show

            return show(command)
        case List():
            from harness.cli.listing import list_suite

            return list_suite(command)
        case Adapter():
            from harness.cli.adapting import check_adapter

            return check_adapter(command)
        case Mutants():
            from harness.cli.mutating import mutants

            return mutants(command)
        case Report():
            from harness.cli.reporting import report

            return report(command)
        case Compare():
            from harness.cli.comparing import compare_reports

            return compare_reports(command)
        case Trend():
            from harness.cli.comparing import show_trend

            return show_trend(command)
        case _:
            assert_never(command)


def _give_up_output() -> None:
    """Python writes at exit what is left to be written, and must not complain then of what has been said already."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _never_fail_to_encode(stream: object) -> None:
    """A title may hold characters that the terminal's encoding has not: they become escapes."""
    import io

    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
