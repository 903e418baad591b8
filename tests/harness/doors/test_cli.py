"""The command line: what it runs, what it says, and how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from harness.cli import main
from harness.load.codes import Code
from harness.load.reference import reference
from harness.load.schema import defaults_schema, macros_schema, scenario_schema
from harness.report.jsonl import read_run
from tests.harness.doors.conftest import LIMIT, complaints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.harness.doors.conftest import Harness, Write


def verdicts(path: Path) -> dict[str, str]:
    return {result.outcome.item: result.outcome.verdict.value for result in read_run(path).results}


# What is run.


def test_a_whole_suite_is_run_and_told_in_every_format(harness: Harness, project: Path) -> None:
    done = harness("run", "--report", "r.jsonl", "--junit", "r.xml", "--jobs", "2")
    assert verdicts(project / "r.jsonl") == {
        "stop/known": "xfailed",
        "stop/leak": "leaked",
        "stop/tls": "unsupported",
        "talk/echo[tcp]": "passed",
        "talk/echo[unix]": "passed",
        "talk/wrong": "failed",
    }
    assert done.stdout.splitlines()[-1] == "2 passed, 1 failed, 1 xfailed, 1 leaked, 1 unsupported"
    assert len(list(ET.parse(project / "r.xml").iter("testcase"))) == 6
    assert done.returncode == 1
    assert complaints(done.stderr) == ""


def test_a_green_run_ends_with_status_0(harness: Harness) -> None:
    done = harness("run", "scenarios/talk/echo.yaml")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "2 passed, 0 failed"


@pytest.mark.parametrize("path", ["scenarios/talk/wrong.yaml", "scenarios/stop/leak.yaml"])
def test_a_red_item_shows_why(harness: Harness, golden: Callable[[str, str], None], path: str) -> None:
    golden(f"run-{Path(path).stem}.txt", harness("run", path).stdout)


def test_the_command_that_is_shown_runs_the_item_again(harness: Harness) -> None:
    shown = harness("run").stdout
    (again,) = {
        line.partition("again: harness ")[2]
        for line in shown.splitlines()
        if "again: harness run scenarios/talk" in line
    }
    assert again.endswith(" --keep")
    done = harness(*again.removesuffix("--keep").split())
    assert "FAIL talk/wrong" in done.stdout
    assert done.stdout.splitlines()[-1] == "0 passed, 1 failed"


def test_several_implementations_are_judged_by_name_or_by_path(harness: Harness, project: Path) -> None:
    done = harness(
        "run",
        "scenarios/talk",
        "--implementation",
        "riser",
        "--implementation",
        "implementations/other.yaml",
        "--report",
        "r.jsonl",
    )
    run = read_run(project / "r.jsonl")
    assert [(known.name, known.version, known.argument) for known in run.header.implementations] == [
        ("riser", "1.0", None),
        ("other", "2.0", "implementations/other.yaml"),
    ]
    assert done.stdout.splitlines()[-1] == "4 passed, 2 failed"
    assert "--implementation implementations/other.yaml" in done.stdout


def test_of_several_implementations_one_that_is_not_here_is_not_run(harness: Harness, write: Write) -> None:
    write(
        "implementations/away.yaml",
        """\
        name: away
        language: none
        version: [there-is-no-such-program]
        homepage: https://example.org/
        command: [there-is-no-such-program]
        profiles: [core]
        setup: buy it
        """,
    )
    done = harness("run", "scenarios/talk/echo.yaml", "--implementation", "away", "--implementation", "riser")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "2 passed, 0 failed, 2 skipped"
    assert "SKIP away:talk/echo[tcp]  the version of away cannot be told: there-is-no-such-program: " in done.stdout
    assert "; to install it: buy it\n" in done.stdout
    alone = harness("run", "scenarios/talk/echo.yaml", "--implementation", "away")
    assert alone.returncode == 2
    assert alone.stderr.startswith("harness: error: the version of away cannot be told: ")


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("selection", "items"),
    [
        (["--only", "echo[unix]"], {"talk/echo[unix]"}),
        (["--only", "talk/*[*]"], {"talk/echo[tcp]", "talk/echo[unix]"}),
        (["--only", "wrong", "--only", "known"], {"talk/wrong", "stop/known"}),
        (["--tag", "quick"], {"talk/echo[tcp]", "talk/echo[unix]"}),
        (["--clause", "talk.often"], {"talk/wrong"}),
        (["--clause", "stop"], {"stop/known", "stop/leak", "stop/tls"}),
        (["--clause", "stop", "--only", "tls"], {"stop/tls"}),
    ],
)
def test_items_are_selected(capsys: pytest.CaptureFixture[str], selection: list[str], items: set[str]) -> None:
    assert main(["list", *selection]) == 0
    assert {line.split()[0] for line in capsys.readouterr().out.splitlines()} == items


def test_the_directories_of_red_items_are_kept_on_request(harness: Harness, project: Path) -> None:
    harness("run", "scenarios/talk", "--keep", "--report", "r.jsonl")
    kept = {result.outcome.item: result.outcome.workspace for result in read_run(project / "r.jsonl").results}
    assert kept.pop("talk/echo[tcp]") is None
    workspace = kept["talk/wrong"]
    assert workspace is not None
    assert (Path(workspace) / "d.json").exists()
    subprocess.run(["rm", "-r", workspace], check=True)


def test_the_time_scale_stretches_limits_and_is_told(harness: Harness, project: Path, write: Write) -> None:
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
    done = harness("run", "scenarios/slow.yaml", "--report", "r.jsonl", HARNESS_TIME_SCALE="3")
    assert read_run(project / "r.jsonl").header.time_scale == 3
    assert "within 30ms (10ms asked, time scale 3)" in done.stdout
    assert "--time-scale 3" in done.stdout


def test_without_a_time_scale_it_is_measured_and_told(harness: Harness, project: Path) -> None:
    harness("run", "scenarios/talk/echo.yaml", "--report", "r.jsonl", "--tap", "r.tap", HARNESS_TIME_SCALE="auto")
    header = read_run(project / "r.jsonl").header
    assert header.pace is not None
    assert header.pace.process > 0
    assert header.time_scale == header.pace.scale
    assert f"time scale {header.scale_in_words}\n" in (project / "r.tap").read_text()


def test_a_time_scale_that_is_given_is_not_measured(harness: Harness, project: Path) -> None:
    harness("run", "scenarios/talk/echo.yaml", "--time-scale", "1", "--report", "r.jsonl", HARNESS_TIME_SCALE="auto")
    header = read_run(project / "r.jsonl").header
    assert (header.time_scale, header.pace) == (1, None)


def test_items_are_repeated_and_told_apart_in_every_format(harness: Harness, project: Path) -> None:
    arguments = ["--only", "echo[tcp]", "--repeat", "2", "--report", "r.jsonl", "--junit", "r.xml"]
    done = harness("run", "scenarios/talk", *arguments)
    assert [line.split()[1] for line in done.stdout.splitlines() if line.startswith("PASS")] == [
        "talk/echo[tcp]#1",
        "talk/echo[tcp]#2",
    ]
    assert [result.round for result in read_run(project / "r.jsonl").results] == [1, 2]
    cases = ET.parse(project / "r.xml").iter("testcase")
    assert [case.attrib["name"] for case in cases] == ["talk/echo[tcp]#1", "talk/echo[tcp]#2"]


def test_a_run_may_end_at_the_first_red_item(harness: Harness, project: Path) -> None:
    arguments = ["--repeat", "3", "--until-fail", "--jobs", "1", "--report", "r.jsonl"]
    done = harness("run", "scenarios/talk/wrong.yaml", *arguments)
    assert done.returncode == 1
    assert "not run: 2 items\n" in done.stdout
    assert "stopped at the first red item: 1 item in " in done.stdout
    footer = read_run(project / "r.jsonl").footer
    assert [left_out.round for left_out in footer.not_run] == [2, 3]
    assert not footer.interrupted


PASSES_ONCE = """\
    scenario: it is well the first time
    clauses: [talk.echo]
    actors: {p: {process: [sh, -c, 'mkdir "${here}/seen" || exit 3; exit 0']}}
    steps:
      - launch: p
      - exit: p
    """
FAILS_ONCE = PASSES_ONCE.replace("|| exit 3", "&& exit 3").replace("well", "unwell")


def test_the_first_red_round_stands_beside_one_that_passed(harness: Harness, write: Write) -> None:
    write("scenarios/once.yaml", PASSES_ONCE)
    arguments = ["scenarios/once.yaml", "--repeat", "5", "--until-fail", "--jobs", "1", "--report", "r.jsonl"]
    shown = harness("run", *arguments).stdout
    assert "PASS once#1 " in shown
    assert "FAIL once#2 " in shown
    (row,) = (line for line in shown.splitlines() if "<- here |" in line)
    assert "p        ended with status 3" in row.partition("|")[0]
    assert "p        ended with status 0" in row.partition("|")[2]
    assert harness("report", "r.jsonl").stdout == shown


@pytest.mark.parametrize(("retry", "scale"), [("1", []), ("3", ["--repeat", "2", "--jobs", "1"])])
def test_what_passes_only_when_it_is_tried_again_is_flaky_in_every_format(
    harness: Harness, project: Path, write: Write, retry: str, scale: list[str]
) -> None:
    write("scenarios/once.yaml", FAILS_ONCE)
    reports = ["--report", "r.jsonl", "--junit", "r.xml"]
    done = harness("run", "scenarios/once.yaml", "--retry", retry, *scale, *reports, GITHUB_ACTIONS="true")
    assert done.returncode == 3
    assert done.stdout.splitlines()[-1] == f"{len(scale) // 4} passed, 0 failed, 1 flaky"
    assert "\n  tries: failed first, and passed in try 2\n" in done.stdout
    assert "\n  this time " in done.stdout
    assert "::warning file=scenarios/once.yaml,line=6,col=5,title=riser%3Aonce" in done.stdout
    flaky, *others = read_run(project / "r.jsonl").results
    assert flaky.outcome.verdict.value == "flaky"
    assert [result.outcome.verdict.value for result in others] == ["passed"] * len(others)
    skipped = ET.parse(project / "r.xml").find(".//skipped")
    assert skipped is not None
    assert skipped.attrib["message"] == "flaky: failed first, and passed in try 2"
    again = harness("report", "r.jsonl")
    assert again.returncode == 3
    assert again.stdout.splitlines()[-1] == done.stdout.splitlines()[-1]


def test_what_is_red_in_every_try_is_red_and_says_so(harness: Harness) -> None:
    done = harness("run", "scenarios/talk/wrong.yaml", "--retry", "2")
    assert done.returncode == 1
    assert "\n  tries: failed in each of 3 tries\n" in done.stdout
    assert done.stdout.splitlines()[-1] == "0 passed, 1 failed"


def test_nothing_is_tried_again_that_is_not_red(harness: Harness) -> None:
    done = harness("run", "scenarios/stop/known.yaml", "scenarios/stop/tls.yaml", "--retry", "2")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "0 passed, 0 failed, 1 xfailed, 1 unsupported"


def test_on_github_red_items_are_annotated(harness: Harness) -> None:
    done = harness("run", "scenarios/talk/wrong.yaml", GITHUB_ACTIONS="true")
    assert "::error file=scenarios/talk/wrong.yaml,line=9,col=" in done.stdout
    assert "::error" not in harness("run", "scenarios/talk/wrong.yaml").stdout


def test_a_report_is_made_again_from_its_file(harness: Harness, project: Path) -> None:
    done = harness("run", "--report", "r.jsonl", "--junit", "r.xml")
    again = harness("report", "r.jsonl", "--junit", "again.xml", "--console")
    assert again.stdout == done.stdout
    assert again.returncode == done.returncode
    assert (project / "again.xml").read_text() == (project / "r.xml").read_text()


# What is refused.


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["rum"], "there is no command 'rum'; did you mean 'run'?"),
        (["run", "--claus", "x"], "there is no option '--claus'; did you mean '--clause'?"),
        (["run", "--jobs", "0"], "argument --jobs: expected a whole number from 1, got '0'"),
        (["run", "--retry", "0"], "argument --retry: expected a whole number from 1, got '0'"),
        (["run", "--retry", "2", "--until-fail"], "argument --until-fail: not allowed with argument --retry"),
        (["run", "--time-scale", "nan"], "argument --time-scale: expected a number above 0 or auto, got 'nan'"),
        (["report"], "the following arguments are required: REPORT"),
    ],
)
def test_bad_usage_is_explained(capsys: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err.splitlines()[0] == f"harness: error: {said}"


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "nowhere"], "nowhere:1:1: the file cannot be read: no such file or directory"),
        (
            ["run", "--clause", "talk.ecko"],
            "harness: error: there is no clause 'talk.ecko' in this suite; did you mean 'talk.echo'?",
        ),
        (["run", "--tag", "quik"], "harness: error: no scenario here has the tag 'quik'; did you mean 'quick'?"),
        (
            ["run", "--only", "talk/eco"],
            "harness: error: nothing is selected: none of 6 items fits --only talk/eco; did you mean 'talk/echo'?",
        ),
        (
            ["run", "--implementation", "no/such.yaml"],
            "no/such.yaml:1:1: the file cannot be read: no such file or directory",
        ),
        (
            ["run", "--implementation", "riser", "--implementation", "riser"],
            "harness: error: two implementations are called riser",
        ),
        (["run", "--report", "no/r.jsonl"], "harness: error: no/r.jsonl cannot be written: no such file or directory"),
        (["run", "--report", "r", "--junit", "r"], "harness: error: two reports cannot be written to one file, r"),
        (["run", "--junit", "scenarios"], "harness: error: scenarios cannot be written: is a directory"),
        (["report", "no.jsonl"], "harness: error: no.jsonl: no such file or directory"),
        (
            ["report", "scenarios/clauses.yaml"],
            "harness: error: scenarios/clauses.yaml:1: not a harness report: the first line is no JSON object",
        ),
    ],
)
def test_bad_input_is_refused_in_a_sentence(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(arguments) == 2
    shown = capsys.readouterr()
    assert shown.err.splitlines()[0] == said
    assert shown.out == ""


@pytest.mark.usefixtures("project")
def test_an_unknown_implementation_is_told_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--implementation", "risr"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("harness: error: there is no implementation 'risr'; there are: other, riser")
    assert said.endswith("; did you mean 'riser'?\n")


def test_an_invalid_scenario_is_shown_and_nothing_is_started(
    project: Path, write: Write, capsys: pytest.CaptureFixture[str], golden: Callable[[str, str], None]
) -> None:
    write(
        "scenarios/talk/broken.yaml",
        "scenario: broken\nclauses: [talk.echo]\nactors: {d: {deamon: probe}}\nsteps: []\n",
    )
    assert main(["run", "--report", "r.jsonl"]) == 2
    shown = capsys.readouterr()
    golden("invalid.txt", shown.err)
    assert shown.out == ""
    assert not (project / "r.jsonl").exists()


def test_without_a_suite_the_user_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("harness.cli.suites.SHIPPED", tmp_path / "none")
    assert main(["run"]) == 2
    assert capsys.readouterr().err == "harness: error: no PATH is given, and there is no directory scenarios here\n"


def test_an_implementation_that_is_not_installed_says_how_to_install_it(
    project: Path, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (project / "implementations/other.yaml").read_text()
    write("implementations/gone.yaml", text.replace("print('2.0')", "import sys; sys.exit('no such gem')"))
    assert main(["run", "--implementation", "gone"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("harness: error: the version of other cannot be told: ")
    assert said.endswith("ended with status 1: no such gem; to install it: pip install other\n")


# check and list.


@pytest.mark.usefixtures("project")
def test_check_counts_what_is_right(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 0
    assert capsys.readouterr().out == "5 scenarios, 6 items, 2 implementations: no problem\n"


@pytest.mark.usefixtures("project")
def test_check_shows_everything_that_is_wrong(
    write: Write, capsys: pytest.CaptureFixture[str], golden: Callable[[str, str], None]
) -> None:
    write("scenarios/one.yaml", "scenario: one\nclauses: [talk.eco]\nactors: {}\nsteps: []\n")
    write("implementations/two.yaml", "name: two\nlanguag: python\n")
    assert main(["check"]) == 2
    golden("check.txt", capsys.readouterr().out)


@pytest.mark.usefixtures("project")
def test_list_shows_every_item(capsys: pytest.CaptureFixture[str], golden: Callable[[str, str], None]) -> None:
    assert main(["list"]) == 0
    golden("list.txt", capsys.readouterr().out)


@pytest.mark.usefixtures("project")
def test_list_gives_data_to_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--json", "--only", "unix"]) == 0
    assert json.loads(capsys.readouterr().out) == [
        {
            "item": "talk/echo[unix]",
            "scenario": "talk/echo",
            "title": "it answers",
            "file": "scenarios/talk/echo.yaml",
            "clauses": ["talk.echo"],
            "needs": ["core"],
            "tags": ["quick"],
            "cell": {"listen": "unix"},
        }
    ]


@pytest.mark.usefixtures("project")
def test_list_shows_the_implementations(capsys: pytest.CaptureFixture[str]) -> None:
    """Beside the project's own there may be those that come with the harness."""
    assert main(["list", "--implementations"]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert {
        "other python: core implementations/other.yaml",
        "riser python: core, daemon implementations/riser.yaml",
    } <= set(lines)
    assert main(["list", "--implementations", "--json"]) == 0
    files = {each["name"]: each["file"] for each in json.loads(capsys.readouterr().out)}
    assert files["other"] == "implementations/other.yaml"
    assert files["riser"] == "implementations/riser.yaml"


# What the harness says about its language.


def test_a_code_is_explained_with_examples(harness: Harness, golden: Callable[[str, str], None]) -> None:
    golden("explain.txt", harness("explain", "misplaced-verb").stdout)


def test_all_codes_are_listed(harness: Harness) -> None:
    lines = harness("explain").stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(Code)


def test_an_unknown_code_is_refused(harness: Harness) -> None:
    done = harness("explain", "misplaced-verbs")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "harness: error: there is no code 'misplaced-verbs'; did you mean 'misplaced-verb'?\n"


def test_the_schema_and_the_reference_are_printed(harness: Harness) -> None:
    assert json.loads(harness("schema").stdout) == scenario_schema()
    assert json.loads(harness("schema", "defaults").stdout) == defaults_schema()
    assert json.loads(harness("schema", "macros").stdout) == macros_schema()
    assert harness("doc").stdout == reference()


# Help and start-up.


@pytest.mark.parametrize(
    "command", ["", "run", "check", "format", "list", "adapter", "mutants", "report", "explain", "new", "record"]
)
def test_help_is_whole(harness: Harness, golden: Callable[[str, str], None], command: str) -> None:
    done = harness(*command.split(), "--help", COLUMNS="100")
    golden(f"help-{command or 'harness'}.txt", done.stdout)


def test_the_version_is_told(harness: Harness) -> None:
    done = harness("--version")
    assert done.stdout.startswith("harness ")
    assert done.returncode == 0


def test_help_loads_nothing_that_it_does_not_need() -> None:
    program = "import sys, harness.cli as c\ntry: c.main(['--help'])\nfinally: print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    loaded = set(done.stderr.split())
    assert "harness.cli.arguments" in loaded
    assert not loaded & {
        "ruamel.yaml",
        "asyncio",
        "harness.model",
        "harness.load",
        "harness.engine",
        "pytest",
        "subprocess",
    }


# Interruption.

WAITING = """\
    scenario: it waits for long
    clauses: [talk.echo]
    actors: {d: {daemon: probe}, c: {client: d}}
    steps:
      - start: d
      - connect: c
      - expect: c
        line: hello
        within: 10m
    """


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)])
def test_an_interrupted_run_stops_everything_and_leaves_whole_reports(
    project: Path, write: Write, number: signal.Signals, status: int
) -> None:
    write("scenarios/talk/waits.yaml", WAITING)
    write("scenarios/talk/waits-too.yaml", WAITING)
    command = [sys.executable, "-m", "harness", "run", "scenarios/talk", "--only", "echo", "--only", "waits"]
    with not_ignored(number), subprocess.Popen(
        [*command, "--jobs", "1", "--report", "r.jsonl", "--junit", "r.xml"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=project,
    ) as running:  # fmt: skip
        assert running.stdout is not None
        for line in running.stdout:
            if "talk/echo[unix]" in line:
                break
        wait_for_a_child_that_serves(running.pid)
        running.send_signal(number)
        shown, errors = running.communicate(timeout=60)
    assert running.returncode == status
    assert complaints(errors) == ""
    assert "not run: 2 items\n  riser:talk/waits-too\n  riser:talk/waits\n" in shown
    assert shown.splitlines()[-2].startswith("interrupted: 2 items in ")
    assert shown.splitlines()[-1] == "2 passed, 0 failed"
    assert read_run(project / "r.jsonl").footer.interrupted
    assert ET.parse(project / "r.xml").find(".//property[@name='not.run']") is not None


@contextlib.contextmanager
def not_ignored(number: signal.Signals) -> Iterator[None]:
    """Let programs started meanwhile obey the signal: a shell has INT ignored by all that it runs in the background."""
    before = signal.signal(number, lambda _number, _frame: None)
    try:
        yield
    finally:
        signal.signal(number, before)


def wait_for_a_child_that_serves(pid: int) -> None:
    """Until the daemon of the waiting scenario is there; it is gone when the harness has ended, which reaps it."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    deadline = time.monotonic() + LIMIT
    while not children.read_text().split():
        assert time.monotonic() < deadline
        os.sched_yield()


def test_output_that_nobody_reads_ends_the_command_in_silence(project: Path) -> None:
    program = f"{sys.executable} -m harness list | head -n 0; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, cwd=project, timeout=60, check=True)
    assert done.stderr == ""


@pytest.mark.parametrize("outputs", [["--report", "/dev/full"], ["--junit", "/dev/full"], []])
def test_a_full_disk_is_said_in_a_sentence_and_nothing_is_left(project: Path, outputs: list[str]) -> None:
    with Path("/dev/full" if not outputs else "/dev/null").open("w") as output:
        done = subprocess.run(
            [sys.executable, "-m", "harness", "run", "scenarios/talk/echo.yaml", *outputs],
            stdout=output, stderr=subprocess.PIPE, text=True, cwd=project, timeout=LIMIT, check=False,
        )  # fmt: skip
    assert complaints(done.stderr) == "harness: error: this could not be finished: no space left on device\n"
    assert done.returncode == 1


def test_characters_that_the_terminal_has_not_become_escapes(harness: Harness, write: Write) -> None:
    write("scenarios/talk/äöü.yaml", WAITING)
    done = harness("list", "--only", "ä", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.stdout.startswith(r"talk/\xe4\xf6\xfc  it waits")
