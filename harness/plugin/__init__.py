"""The pytest plugin: a scenario file is collected like a test module, each cell of its matrix is a test.

Which YAML files are scenarios is not guessed from their content, so that no other project's files are touched:

- with the setting `harness_suites` (a list of directories), those below these directories;
- without it, those below a directory that is called `scenarios` and holds a `clauses.yaml`.

A test is called `riser:restart/lossless[tcp,2]`: the implementation, the file's path below the suite, the cell. Tags
are markers (`-m slow`), clauses are keywords (`-k restart.lossless`). A failed expectation shows the harness's own
failure block and no Python traceback; a file that is not valid is an error of the collection; what is unsupported or
skipped is a skip, and a known failure an xfail.

The engine is imported with the first scenario that runs and works as long as scenarios follow one another, so that
other tests run in a process as pytest left it. With `-n`, each worker has its own, and only plain text crosses between
the processes.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

TIME_SCALE = "HARNESS_TIME_SCALE"
_WIDTH = "harness_width"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--implementation` and `--time-scale`, and the setting `harness_suites`."""
    group = parser.getgroup("harness", "scenarios for daemons")
    group.addoption(
        "--implementation",
        metavar="NAME",
        action="append",
        default=[],
        help="an implementation that scenarios judge, by the name or the path of its manifest; may be repeated; "
        "default: riser",
    )
    group.addoption(
        "--time-scale",
        metavar="X",
        default=os.environ.get(TIME_SCALE, "auto"),
        help=f"stretch every upper bound in time in scenarios by this factor; default: ${TIME_SCALE}, or auto, which "
        "measures in each process of pytest how slow the machine is: 1 where it is not",
    )
    parser.addini(
        "harness_suites",
        "directories with scenario files; default: those called `scenarios` that hold a clauses.yaml",
        type="paths",
    )


@pytest.hookimpl(wrapper=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, object, object]:
    """With `-n` and no `--dist`, let idle workers take scenarios from busy ones: they differ in length by far."""
    from harness.plugin.suites import any_suite

    option = config.option
    if getattr(option, "numprocesses", None) and option.dist == "no" and any_suite(config):
        option.dist = "worksteal"
    return (yield)


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """With `-n auto`, twice as many workers as cores where there are scenarios: they wait more than they work."""
    from harness.plugin.suites import any_suite

    decided = os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS") or config.option.numprocesses != "auto"
    return None if decided or not any_suite(config) else 2 * len(os.sched_getaffinity(0))


def pytest_configure(config: pytest.Config) -> None:
    """Refuse what was asked for wrongly before anything is collected, and before there are workers."""
    if not hasattr(config, "workerinput"):
        from harness.plugin.options import check_options

        check_options(config)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Tell an xdist worker, which has no terminal, how wide the terminal is."""
    node.workerinput[_WIDTH] = _width(node.config)  # type: ignore[attr-defined]  # xdist does not export the class


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect scenario files, and the list of clauses beside them."""
    if file_path.suffix != ".yaml":
        return None
    from harness.plugin.suites import suite_of

    suite = suite_of(file_path, parent.config)
    if suite is None:
        return None
    from harness.plugin.collection import ScenarioFile
    from harness.plugin.session import session_of

    session = session_of(parent.config, width=_width(parent.config))
    return ScenarioFile.from_parent(parent, path=file_path, suite=suite, scenarios=session)


def _width(config: pytest.Config) -> int:
    """The terminal's columns, 120 where there is no terminal."""
    workerinput: dict[str, int] | None = getattr(config, "workerinput", None)
    if workerinput is not None:
        return workerinput[_WIDTH]
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not reporter.isatty:
        return 120
    return config.get_terminal_writer().fullwidth
