"""Scenarios under pytest, as its users run them: in a process of its own, and with workers."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Protocol
from xml.etree import ElementTree as ET

import pytest

from tests.harness.doors.conftest import LIMIT, plain_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.harness.doors.conftest import Write


class Pytest(Protocol):
    """Runs pytest in the project, in a process of its own."""

    def __call__(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]: ...


@pytest.fixture
def run_pytest(project: Path) -> Pytest:
    (project / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers -W error -p no:hypothesispytest\n")

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pytest", *arguments],
            cwd=project, env=plain_environment(COLUMNS="160", **environment), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=LIMIT, check=False,
        )  # fmt: skip

    return run


def ids(shown: str) -> list[str]:
    return [line.partition("::")[2] for line in shown.splitlines() if line.startswith("scenarios/") and "::" in line]


WHOLE = {"passed": 2, "failed": 2, "xfailed": 1, "skipped": 1}


def counts(done: subprocess.CompletedProcess[str]) -> dict[str, int]:
    """What pytest's last line counts."""
    return {
        word: int(number)
        for number, word in re.findall(r"(\d+) ([a-z]+)", done.stdout.splitlines()[-1].partition(" in ")[0])
    }


# Collection.


def test_each_cell_of_each_scenario_is_a_test_named_after_implementation_file_and_cell(run_pytest: Pytest) -> None:
    assert ids(run_pytest("--collect-only", "-q").stdout) == [
        "riser:stop/known",
        "riser:stop/leak",
        "riser:stop/tls",
        "riser:talk/echo[tcp]",
        "riser:talk/echo[unix]",
        "riser:talk/wrong",
    ]


@pytest.mark.parametrize(
    ("selection", "items"),
    [
        (["-k", "echo and unix"], ["riser:talk/echo[unix]"]),
        (["-k", "talk.often"], ["riser:talk/wrong"]),
        (["-m", "quick"], ["riser:talk/echo[tcp]", "riser:talk/echo[unix]"]),
        (["scenarios/talk/echo.yaml::riser:talk/echo[tcp]"], ["riser:talk/echo[tcp]"]),
        (["scenarios/talk/wrong.yaml"], ["riser:talk/wrong"]),
        (["--implementation", "other", "-k", "wrong"], ["other:talk/wrong"]),
        (
            ["--implementation", "other", "--implementation", "implementations/riser.yaml", "-k", "wrong"],
            ["other:talk/wrong", "riser:talk/wrong"],
        ),
    ],
)
def test_tests_are_selected_as_pytest_selects(run_pytest: Pytest, selection: list[str], items: list[str]) -> None:
    assert ids(run_pytest("--collect-only", "-q", *selection).stdout) == items


def test_yaml_files_of_others_are_left_alone(run_pytest: Pytest, project: Path, write: Write) -> None:
    (project / "scenarios/clauses.yaml").unlink()
    write("docs/clauses.yaml", "no: clauses\n")
    write("docs/other.yaml", "scenario: no scenario of ours\n")
    done = run_pytest("--collect-only", "-q")
    assert ids(done.stdout) == []
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED


def test_suites_may_be_declared(run_pytest: Pytest, project: Path, write: Write) -> None:
    write("checks/one.yaml", (project / "scenarios/talk/echo.yaml").read_text())
    write("pytest.ini", "[pytest]\nharness_suites = checks\n")
    done = run_pytest("--collect-only", "-q")
    assert "checks/one.yaml::riser:one[tcp]" in done.stdout
    assert ids(done.stdout) == []


def test_an_invalid_file_is_an_error_of_the_collection_with_its_place(run_pytest: Pytest, write: Write) -> None:
    write(
        "scenarios/talk/broken.yaml",
        "scenario: broken\nclauses: [talk.eco]\nactors: {d: {daemon: probe}}\nsteps: [start: d]\n",
    )
    done = run_pytest()
    assert (
        "\nscenarios/talk/broken.yaml:2:11: there is no clause `talk.eco`\n    2 | clauses: [talk.eco]\n" in done.stdout
    )
    assert "\nERROR scenarios/talk/broken.yaml\n" in done.stdout
    assert "Traceback" not in done.stdout
    assert done.returncode == pytest.ExitCode.INTERRUPTED


def test_an_invalid_list_of_clauses_is_said_once(run_pytest: Pytest, write: Write) -> None:
    write("scenarios/clauses.yaml", "talk: []\nstop: none\n")
    done = run_pytest()
    assert done.stdout.count("expected a list of clauses") == 1
    assert "\nscenarios/clauses.yaml:2:7: " in done.stdout


def test_a_broken_manifest_is_said_once(run_pytest: Pytest, write: Write) -> None:
    write("implementations/riser.yaml", "name: riser\n")
    done = run_pytest()
    assert done.stdout.splitlines()[-1].startswith("1 error in ") or " 1 error in " in done.stdout.splitlines()[-1]
    assert "implementations/riser.yaml:1:1: a manifest needs `version`" in done.stdout


@pytest.mark.parametrize("workers", [[], ["-n", "2"]])
@pytest.mark.parametrize(
    ("option", "said"),
    [
        (
            ["--implementation", "risr"],
            "there is no implementation 'risr'; there are: other, riser",
        ),
        (["--time-scale", "0"], "--time-scale: expected a number above 0 or auto, got '0'"),
    ],
)
def test_bad_options_are_refused_before_anything_is_collected(
    run_pytest: Pytest, workers: list[str], option: list[str], said: str
) -> None:
    done = run_pytest(*option, *workers)
    assert said in done.stderr
    assert done.returncode == pytest.ExitCode.USAGE_ERROR


# Running.


@pytest.mark.parametrize("workers", [[], ["-n", "2"]])
def test_every_verdict_has_its_counterpart(run_pytest: Pytest, workers: list[str]) -> None:
    done = run_pytest("-rsx", *workers)
    assert counts(done) == WHOLE, done.stdout
    assert (
        "SKIPPED [1] scenarios/stop/tls.yaml:1: unsupported: the manifest of riser does not offer the profile tls"
        in done.stdout
    )
    assert "XFAIL scenarios/stop/known.yaml::riser:stop/known - the status is wrong" in done.stdout
    assert done.returncode == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize("workers", [[], ["-n", "2"]])
def test_a_failure_is_the_harness_s_own_block_and_no_traceback(
    run_pytest: Pytest, golden: Callable[[str, str], None], workers: list[str]
) -> None:
    shown = run_pytest("scenarios/talk/wrong.yaml", *workers).stdout
    start = shown.index("scenarios/talk/wrong.yaml:9:5: got")
    block = shown[start : shown.index("=====", start)]
    golden("pytest-wrong.txt", block)
    assert "Traceback" not in shown
    summary = "FAILED scenarios/talk/wrong.yaml::riser:talk/wrong - scenarios/talk/wrong.yaml:9:5: got 'ok one', "
    assert summary + "expected 'ok two'" in shown


def test_junit_files_have_the_block_and_the_verdict(run_pytest: Pytest, project: Path) -> None:
    run_pytest("--junit-xml", "r.xml", "-n", "2")
    cases = {case.attrib["name"]: case for case in ET.parse(project / "r.xml").iter("testcase")}
    assert len(cases) == 6
    properties = {
        name: {each.attrib["name"]: each.attrib["value"] for each in case.iter("property")}
        for name, case in cases.items()
    }
    assert properties["riser:stop/leak"] == {"implementation": "riser", "clauses": "stop.clean", "verdict": "leaked"}
    failure = cases["riser:talk/wrong"].find("failure")
    assert failure is not None
    assert (failure.text or "").startswith(
        "scenarios/talk/wrong.yaml:9:5: got 'ok one', expected 'ok two'\nFAIL talk/wrong"
    )


def test_the_first_failure_may_end_the_run_and_the_last_failed_may_run_again(run_pytest: Pytest) -> None:
    assert counts(run_pytest("-x", "scenarios/talk"))["failed"] == 1
    again = run_pytest("--lf", "-v", "scenarios/talk")
    assert ids(again.stdout.partition("FAILURES")[0])[0].startswith("riser:talk/wrong FAILED")
    assert counts(again) == {"failed": 1}


def test_the_time_scale_reaches_the_engine(run_pytest: Pytest, write: Write) -> None:
    write(
        "scenarios/slow.yaml",
        """\
        scenario: nobody speaks
        clauses: [talk.echo]
        actors: {d: {daemon: probe}, c: {client: d}}
        steps:
          - start: d
          - connect: c
          - expect: c
            line: hello
            within: 10ms
        """,
    )
    assert (
        "within 30ms (10ms asked, time scale 3)" in run_pytest("scenarios/slow.yaml", "--time-scale", "3", "-n1").stdout
    )


def test_other_tests_run_beside_scenarios_with_no_engine_in_their_process(run_pytest: Pytest, write: Write) -> None:
    text = """\
        import subprocess
        from harness.engine.runner import Engine

        def test_an_engine_can_be_had():
            with Engine():
                pass
        """
    write("scenarios/talk/test_between.py", text)
    write("test_after.py", text)
    assert counts(run_pytest()) == {**WHOLE, "passed": 4}


@pytest.mark.parametrize("workers", [[], ["-n", "2"]])
def test_another_implementation_is_judged(run_pytest: Pytest, workers: list[str]) -> None:
    done = run_pytest("--implementation", "other", "-v", "scenarios/talk/echo.yaml", *workers)
    assert counts(done) == {"passed": 2}
    assert "other:talk/echo[unix]" in done.stdout


def test_the_first_failure_ends_a_run_with_workers_too(run_pytest: Pytest) -> None:
    done = run_pytest("-x", "-n", "1", "scenarios/talk/wrong.yaml", "scenarios/talk/echo.yaml")
    assert counts(done) == {"failed": 1}


SHUFFLED = """\
    import os, random

    def pytest_collection_modifyitems(items):
        random.Random(int(os.environ["SEED"])).shuffle(items)
    """


@pytest.mark.parametrize(("seed", "workers"), [("1", []), ("2", []), ("3", ["-n", "2"])])
def test_the_order_is_of_no_account(run_pytest: Pytest, write: Write, seed: str, workers: list[str]) -> None:
    """Other tests stand between scenarios then, so that the engine is closed and opened again."""
    write("conftest.py", SHUFFLED)
    write(
        "scenarios/test_between.py",
        """\
        import pytest
        from harness.engine.runner import Engine

        @pytest.mark.parametrize("number", range(4))
        def test_an_engine_can_be_had(number):
            with Engine():
                pass
        """,
    )
    assert counts(run_pytest(*workers, SEED=seed)) == {**WHOLE, "passed": 6}


# Other machines.


SERVER = """
from execnet.gateway_base import get_execmodel
from execnet.script import socketserver
socketserver.execmodel = get_execmodel("main_thread_only")
socketserver.startserver(socketserver.bind_and_listen("127.0.0.1:0", socketserver.execmodel))
"""


@contextlib.contextmanager
def gateway(directory: Path) -> Iterator[int]:
    """The server of execnet, which runs what it is sent, on a port of this machine, as it would on another.

    As it is, it runs a task beside one that has not quite ended in a thread, where no engine can run.
    """
    with subprocess.Popen(
        [sys.executable, "-u", "-c", SERVER],
        cwd=directory, env=plain_environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as server:  # fmt: skip
        try:
            assert server.stdout is not None
            found = re.search(r"\('127\.0\.0\.1', (\d+)\)", server.stdout.readline())
            assert found is not None
            yield int(found[1])
        finally:
            server.kill()


def test_scenarios_are_distributed_over_gateways(
    run_pytest: Pytest, project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """One worker is a process of another Python here, the other sits behind a socket, in a checkout of its own."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (project / "pytest.ini").write_text("[pytest]\ntestpaths = scenarios\n")
    shutil.copytree(project, elsewhere, dirs_exist_ok=True)
    here = f"--tx=popen//python={sys.executable}"
    with gateway(elsewhere) as port:
        there = f"--tx=socket=127.0.0.1:{port}//chdir={elsewhere}"
        done = run_pytest("-v", "-rA", "-d", here, there, "--junit-xml=r.xml")
    assert counts(done) == WHOLE, done.stdout
    ran_by = set(re.findall(r"\[(gw\d)\] \[ *\d+%\]", done.stdout))
    assert ran_by == {"gw0", "gw1"}
    assert "scenarios/talk/wrong.yaml:9:5: got 'ok one', expected 'ok two'" in done.stdout
    assert len(list(ET.parse(project / "r.xml").iter("testcase"))) == 6


def test_a_gateway_s_worker_runs_in_its_own_checkout(
    run_pytest: Pytest, project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (project / "pytest.ini").write_text("[pytest]\ntestpaths = scenarios\n")
    shutil.copytree(project, elsewhere, dirs_exist_ok=True)
    broken = (elsewhere / "scenarios/talk/echo.yaml").read_text().replace("expect: ok one", "expect: ok won")
    (elsewhere / "scenarios/talk/echo.yaml").write_text(broken)
    with gateway(elsewhere) as port:
        done = run_pytest("-d", f"--tx=socket=127.0.0.1:{port}//chdir={elsewhere}")
    assert counts(done) == {"failed": 4, "xfailed": 1, "skipped": 1}
    assert "got 'ok one', expected 'ok won'" in done.stdout


DISTRIBUTION = """\
    def pytest_xdist_make_scheduler(config):
        print("distributed by", config.option.dist)
    """


@pytest.mark.parametrize(
    ("options", "distribution"),
    [
        (["-n", "2"], "worksteal"),
        (["-n", "2", "--dist", "load"], "load"),
        (["-n", "2", "test_other.py"], "load"),
    ],
)
def test_idle_workers_take_scenarios_from_busy_ones_unless_the_user_decides(
    run_pytest: Pytest, write: Write, options: list[str], distribution: str
) -> None:
    write("conftest.py", DISTRIBUTION)
    write("test_other.py", "def test_nothing():\n    pass\n")
    assert f"distributed by {distribution}\n" in run_pytest("-s", "--tb=no", "-k", "nothing or echo", *options).stdout


@pytest.mark.parametrize(("options", "per_core"), [([], 2), (["test_other.py"], 1)])
def test_automatic_workers_are_twice_the_cores_for_scenarios(
    run_pytest: Pytest, write: Write, options: list[str], per_core: int
) -> None:
    write("test_other.py", "def test_nothing():\n    pass\n")
    workers = per_core * len(os.sched_getaffinity(0))
    said = run_pytest("-n", "auto", "--tb=no", "-k", "nothing", *options).stdout
    assert re.search(rf"created: {workers}/{workers} worker", said), said


def test_automatic_workers_are_as_many_as_the_environment_says(run_pytest: Pytest) -> None:
    assert "created: 1/1 worker" in run_pytest("-n", "auto", "-k", "echo", PYTEST_XDIST_AUTO_NUM_WORKERS="1").stdout


def test_other_projects_pay_next_to_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_other.py").write_text(
        "import sys\n\ndef test_nothing():\n    loaded = {name for name in sys.modules if name.startswith('harness')}\n"
        "    assert loaded <= {'harness', 'harness.plugin', 'harness.plugin.suites', 'harness.plugin.options'}\n"
    )
    (tmp_path / "other.yaml").write_text("a: b\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-W", "error"],
        cwd=tmp_path, env=plain_environment(), capture_output=True, text=True, timeout=LIMIT, check=False,
    )  # fmt: skip
    assert counts(done) == {"passed": 1}
