"""From the words of a command line to one value for each command."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

TIME_SCALE = "HARNESS_TIME_SCALE"
AUTO = "auto"
"""The time scale that is measured."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which items: paths of files and directories, and what narrows them down."""

    paths: tuple[Path, ...]
    only: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    clauses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Files:
    """Which reports to make besides that on the terminal, and where to write them."""

    junit: Path | None = None
    tap: Path | None = None
    markdown: Path | None = None
    html: Path | None = None

    @property
    def of_one_run(self) -> Files:
        """Those that can be made of one run only."""
        return Files(junit=self.junit, tap=self.tap)

    @property
    def given(self) -> tuple[Path, ...]:
        """Those that are asked for."""
        return tuple(path for path in (self.junit, self.tap, self.markdown, self.html) if path is not None)


@dataclass(frozen=True, slots=True)
class Run:
    """`harness run`; `jobs` None is the engine's default, `time_scale` None is to be measured, and no implementations
    are the default one.
    """

    choice: Choice
    implementations: tuple[str, ...]
    repeat: int
    until_fail: bool
    retry: int
    jobs: int | None
    time_scale: float | None
    keep: bool
    step: bool
    report: Path | None
    files: Files


@dataclass(frozen=True, slots=True)
class Check:
    """`harness check`."""

    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class List:
    """`harness list`: the items, or the implementations."""

    choice: Choice
    implementations: bool
    json: bool


@dataclass(frozen=True, slots=True)
class Report:
    """`harness report`: which reports to make of the reports that are stored; `kills` is a stored kill matrix."""

    reports: tuple[Path, ...]
    files: Files
    badges: Path | None
    kills: Path | None
    github: bool
    console: bool


@dataclass(frozen=True, slots=True)
class Compare:
    """`harness compare`."""

    old: Path
    new: Path
    json: bool


@dataclass(frozen=True, slots=True)
class Trend:
    """`harness trend`."""

    reports: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Mutants:
    """`harness mutants`; `first` is content with the first kill of each, `jobs` None is the engine's default."""

    paths: tuple[Path, ...]
    only: tuple[str, ...]
    first: bool
    jobs: int | None
    time_scale: float | None
    json: bool


@dataclass(frozen=True, slots=True)
class Adapter:
    """`harness adapter check`."""

    manifest: Path
    time_scale: float | None


@dataclass(frozen=True, slots=True)
class Explain:
    """`harness explain`: what the code of a problem means, or all codes."""

    code: str | None


@dataclass(frozen=True, slots=True)
class Format:
    """`harness format`; `check` only says what would be changed."""

    paths: tuple[Path, ...]
    check: bool


@dataclass(frozen=True, slots=True)
class New:
    """`harness new`: where the scenario goes, what it is to check, and on which implementation."""

    path: Path
    clauses: tuple[str, ...]
    implementation: str | None


@dataclass(frozen=True, slots=True)
class Record:
    """`harness record`: as `New`; with a `command`, that program is talked to and not the implementation."""

    new: New
    command: tuple[str, ...]
    ready: str | None
    connect: str | None
    time_scale: float | None


class Page(StrEnum):
    """What the harness says about the language of scenarios."""

    SCHEMA = "scenario"
    """The JSON Schema of a scenario, for editors."""
    DEFAULTS = "defaults"
    """That of a folder's defaults.yaml."""
    MACROS = "macros"
    """That of a file of macros."""
    DOC = "doc"
    """The reference, as Markdown."""


@dataclass(frozen=True, slots=True)
class Show:
    """`harness schema` and `harness doc`."""

    page: Page


Command: TypeAlias = (
    Adapter | Mutants | Run | Check | List | Report | Compare | Trend | Explain | Format | New | Record | Show
)


def parse(arguments: Sequence[str]) -> Command:
    """The command that the words stand for. Raises SystemExit, as argparse does, for `--help` and for bad usage."""
    parser, commands = _parsers()
    first = next((word for word in arguments if not word.startswith("-")), None)
    if first is not None and first not in commands:
        parser.error(f"there is no command {first!r}{_hint(first, commands)}")
    words: Sequence[str] = arguments
    program: tuple[str, ...] = ()
    if first == "record" and "--" in words:
        # argparse takes what stands behind the first argument of no option for the last.
        cut = list(words).index("--")
        words, program = words[:cut], tuple(words[cut + 1 :])
    known, unknown = parser.parse_known_args(words)
    if unknown:
        used: _Parser = commands[known.command]
        options = [option for action in used.options() for option in action]
        used.error(f"there is no option {unknown[0]!r}{_hint(unknown[0].partition('=')[0], options)}")
    return _command(known, program)


def _command(known: argparse.Namespace, program: tuple[str, ...]) -> Command:  # noqa: C901  # a case for each command
    match known.command:
        case "run":
            return Run(
                choice=_choice(known),
                implementations=tuple(known.implementation),
                repeat=known.repeat,
                until_fail=known.until_fail,
                retry=known.retry,
                jobs=known.jobs,
                time_scale=known.time_scale,
                keep=known.keep,
                step=known.step,
                report=known.report,
                files=_files(known),
            )
        case "check":
            return Check(tuple(known.paths))
        case "format":
            return Format(tuple(known.paths), check=known.check)
        case "new":
            return _new_of(known)
        case "record":
            return Record(
                new=_new_of(known),
                command=program,
                ready=known.ready,
                connect=known.connect,
                time_scale=known.time_scale,
            )
        case "explain":
            return Explain(known.code)
        case "schema":
            return Show(Page(known.of))
        case "doc":
            return Show(Page.DOC)
        case "list":
            return List(_choice(known), implementations=known.implementations, json=known.json)
        case "adapter":
            return Adapter(known.manifest, known.time_scale)
        case "mutants":
            return Mutants(
                paths=tuple(known.paths),
                only=tuple(known.only),
                first=known.first,
                jobs=known.jobs,
                time_scale=known.time_scale,
                json=known.json,
            )
        case "compare":
            return Compare(known.old, known.new, known.json)
        case "trend":
            return Trend(tuple(known.reports))
        case _:
            files = _files(known)
            others = files.given or known.badges or known.github
            return Report(
                reports=tuple(known.reports),
                files=files,
                badges=known.badges,
                kills=known.kills,
                github=known.github,
                console=known.console or not others,
            )


def _files(known: argparse.Namespace) -> Files:
    return Files(junit=known.junit, tap=known.tap, markdown=known.markdown, html=known.html)


def _new_of(known: argparse.Namespace) -> New:
    return New(known.path, tuple(known.clause), known.implementation)


def _choice(known: argparse.Namespace) -> Choice:
    return Choice(tuple(known.paths), tuple(known.only), tuple(known.tag), tuple(known.clause))


class _Parser(argparse.ArgumentParser):
    """argparse without abbreviations, whose errors begin like all others of the harness."""

    def __init__(self, **rest: Any) -> None:  # Any: argparse's own arguments, passed on
        super().__init__(**rest, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"harness: error: {message}\n{self.format_usage()}")

    def options(self) -> list[Sequence[str]]:
        return [action.option_strings for action in self._actions]


class _Version(argparse.Action):
    """Looking the version up takes longer than all the rest of the command line."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from harness.report.origin import harness_version

        sys.stdout.write(f"harness {harness_version()}\n")
        parser.exit()


def _parsers() -> tuple[_Parser, dict[str, _Parser]]:
    parser = _Parser(
        prog="harness",
        description="Judge daemons by scenarios written in YAML.",
        epilog="Exit status: 0 nothing red, 1 something red, 2 invalid input and nothing started,\n"
        "3 nothing red but something flaky, 130 interrupted.",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    made: dict[str, _Parser] = {}

    def command(name: str, short: str, description: str) -> _Parser:
        made[name] = commands.add_parser(name, help=short, description=description)
        return made[name]

    _run(command("run", "run scenarios against implementations", _RUN))
    _check(command("check", "check scenarios and manifests, and start nothing", _CHECK))
    _format(command("format", "lay scenario files out in one style", _FORMAT))
    _new(command("new", "begin a scenario that passes as it stands", _NEW))
    _record(command("record", "talk to a daemon by hand, and get a scenario of it", _RECORD))
    _list(command("list", "list the items of a suite, or the implementations", _LIST))
    _adapter(command("adapter", "lead the author of an adapter to the core profile", _ADAPTER))
    _mutants(command("mutants", "judge the suite by testees that are wrong on purpose", _MUTANTS))
    _report(command("report", "make reports from files that `run --report` wrote", _REPORT))
    _compare(command("compare", "say what differs from one report to another", _COMPARE))
    _trend(command("trend", "say how it went from report to report", _TREND))
    _explain(command("explain", "say what the code of a problem means", _EXPLAIN))
    _schema(command("schema", "print the JSON Schema of scenarios, for editors", _SCHEMA))
    command("doc", "print the reference of the language, as Markdown", _DOC)
    return parser, made


_PATHS = """\
PATH is a scenario file, or a directory with scenario files below it.
Without PATH: ./scenarios, or if there is none, the suite of the harness."""

_RUN = f"""\
Run scenarios against one or several implementations, many at once.

{_PATHS}"""

_CHECK = f"""\
Find everything that is wrong with scenario files, and without PATH with the
manifests beside them too, and start nothing.

{_PATHS}"""

_FORMAT = f"""\
Lay scenario files out in one style, and keep what they say, their comments and
their empty lines. A file that this would change is written aside and renamed,
so it is never half written. Where one file cannot be read, none is changed.

{_PATHS}"""

_NEW = """\
Begin a scenario: a small one, which passes as it stands against the
implementation, for you to go on with. A file that is there is not touched."""

_RECORD = """\
Talk to a daemon by hand, and get a scenario that says what was said. Each line
that you type goes to it, each that it sends is shown; the end of the input ends
it. A line that begins with ! is a command: `!help` lists them. The scenario is
run before it is given, and what differs from time to time is made a pattern.
Without COMMAND, the daemon is the implementation's testee (`daemon: probe`);
with it, any program, the actor p: --connect 'unix:${p.directory}/it.sock'."""

_LIST = f"""\
List the items of a suite: one for each scenario and cell of its matrix.

{_PATHS}"""

_ADAPTER = """\
Take an implementation step by step from nothing to the core profile, and say
at the first step that it does not take what came, what was expected, and what
to do next. Exit status 1 then. See docs/implementing.md."""

_MUTANTS = f"""\
Run each mutant, a testee that is wrong in one way, against the scenarios of
the clause that it breaks, and print which of them find it out. Exit status 1
when one survives. The mutants are beside the manifests, in `mutants`.

{_PATHS}"""

_REPORT = """\
Make reports from a file that `harness run --report` wrote, just as that run
would have made them, and end with that run's exit status. Of several files, of
one suite, make one page; the exit status is 1 then when one of them had it."""


_COMPARE = """\
Say what differs from OLD to NEW, two reports in JSON lines: what regressed,
what progressed, what appeared and what disappeared. Exit status 1 when
something regressed, appeared red, or was not run in NEW."""

_TREND = """\
Say how it went from report to report: the counts of each, and the items that
did not always end the same way. Reports are told in the order of time."""

_EXPLAIN = """\
Say what the code of a problem means, with an example of the mistake and of what
was meant. Without CODE, list all codes."""

_SCHEMA = """\
Print the JSON Schema of scenario files, or of the two kinds of files beside them:
a folder's defaults.yaml, and files of macros. An editor with a YAML language server
completes and checks a scenario whose first line is
# yaml-language-server: $schema=PATH"""

_DOC = """\
Print the reference of the language: every actor, verb, option and matcher."""


def _run(parser: _Parser) -> None:
    _add_choice(parser)
    parser.add_argument(
        "--implementation", metavar="NAME", action="append", default=[],
        help="an implementation, by the name or the path of its manifest; may be repeated; default: riser",
    )  # fmt: skip
    parser.add_argument("--repeat", metavar="N", type=_count, default=1, help="run every item so many times")
    until = parser.add_mutually_exclusive_group()
    until.add_argument(
        "--until-fail", action="store_true",
        help="stop at the first red item, and show it beside a round that passed",
    )  # fmt: skip
    until.add_argument(
        "--retry", metavar="N", type=_count, default=0,
        help="run a red item up to N times more; one that is red no longer is flaky: exit status 3",
    )  # fmt: skip
    _add_pace(parser)
    parser.add_argument("--keep", action="store_true", help="keep the directories of items that did not pass")
    parser.add_argument(
        "--step", action="store_true",
        help="stop before each step and show the actors as they are; needs a terminal, and runs one item at a time",
    )  # fmt: skip
    parser.add_argument("--report", metavar="FILE", type=Path, help="write what happened as JSON lines")
    _add_files(parser)


def _check(parser: _Parser) -> None:
    parser.add_argument("paths", metavar="PATH", type=Path, nargs="*")


def _format(parser: _Parser) -> None:
    parser.add_argument("paths", metavar="PATH", type=Path, nargs="*")
    parser.add_argument("--check", action="store_true", help="change nothing; exit status 1 when a file would change")


def _new(parser: _Parser) -> None:
    parser.add_argument("path", metavar="PATH", type=Path, help="the file to make, which ends in .yaml")
    parser.add_argument(
        "--clause", metavar="ID", action="append", default=[],
        help="a clause that it checks; a suite with a list of clauses needs one; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--implementation", metavar="NAME", help="the name or the path of a manifest; default: riser"
    )  # fmt: skip


def _record(parser: _Parser) -> None:
    parser.usage = "harness record [OPTION ...] PATH [-- COMMAND ...]"
    _new(parser)
    parser.add_argument("--connect", metavar="ADDRESS", help="with COMMAND: where it listens, HOST:PORT or unix:PATH")
    parser.add_argument(
        "--ready", metavar="PATTERN",
        help="with COMMAND: a line of its output that says that it is ready; default: when it listens on its port",
    )  # fmt: skip
    _add_time_scale(parser)


def _explain(parser: _Parser) -> None:
    parser.add_argument("code", metavar="CODE", nargs="?", help="such as no-effect; `harness check` tells it")


def _schema(parser: _Parser) -> None:
    pages = [Page.SCHEMA.value, Page.DEFAULTS.value, Page.MACROS.value]
    parser.add_argument("of", choices=pages, nargs="?", default=pages[0], help="the kind of file; default: scenario")


def _list(parser: _Parser) -> None:
    _add_choice(parser)
    parser.add_argument("--implementations", action="store_true", help="list the implementations instead")
    parser.add_argument("--json", action="store_true", help="one JSON array")


def _adapter(parser: _Parser) -> None:
    parser.add_argument("action", choices=["check"], help="the one thing that can be done with an adapter")
    parser.add_argument("manifest", metavar="MANIFEST", type=Path, help="the implementation's manifest")
    _add_time_scale(parser)


def _mutants(parser: _Parser) -> None:
    parser.add_argument("paths", metavar="PATH", type=Path, nargs="*")
    parser.add_argument("--only", metavar="NAME", action="append", default=[], help="only this mutant; may be repeated")
    parser.add_argument("--first", action="store_true", help="be content with the first kill of each mutant")
    _add_pace(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object")


def _report(parser: _Parser) -> None:
    parser.add_argument(
        "reports", metavar="REPORT", type=Path, nargs="+",
        help="a report in JSON lines; several, of one suite, for Markdown, HTML and badges",
    )  # fmt: skip
    _add_files(parser)
    parser.add_argument(
        "--badges", metavar="DIRECTORY", type=Path, help="write a badge in SVG for each implementation: NAME.svg"
    )
    parser.add_argument(
        "--kills", metavar="FILE", type=Path,
        help="what `harness mutants --json` printed, to be shown in Markdown and HTML",
    )  # fmt: skip
    parser.add_argument("--github", action="store_true", help="print annotations for GitHub's build pages")
    parser.add_argument("--console", action="store_true", help="print what `run` prints; the default without others")


def _compare(parser: _Parser) -> None:
    parser.add_argument("old", metavar="OLD", type=Path, help="a report in JSON lines")
    parser.add_argument("new", metavar="NEW", type=Path, help="a later one")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def _trend(parser: _Parser) -> None:
    parser.add_argument("reports", metavar="REPORT", type=Path, nargs="+", help="reports in JSON lines")


def _add_files(parser: _Parser) -> None:
    parser.add_argument("--junit", metavar="FILE", type=Path, help="write JUnit XML")
    parser.add_argument("--tap", metavar="FILE", type=Path, help="write TAP 14")
    parser.add_argument("--markdown", metavar="FILE", type=Path, help="write a summary in Markdown")
    parser.add_argument(
        "--html", metavar="FILE", type=Path, help="write a page in HTML, with the timeline of every item"
    )


def _add_pace(parser: _Parser) -> None:
    parser.add_argument("--jobs", metavar="N", type=_count, help="how many items at once; default: two a processor")
    _add_time_scale(parser)


def _add_time_scale(parser: _Parser) -> None:
    parser.add_argument(
        "--time-scale", metavar="X", type=_scale, default=os.environ.get(TIME_SCALE, AUTO),
        help=f"stretch every upper bound in time by this factor; default: ${TIME_SCALE}, or {AUTO}, which measures how"
        " slow the machine is: 1 where it is not",
    )  # fmt: skip


def _add_choice(parser: _Parser) -> None:
    parser.add_argument("paths", metavar="PATH", type=Path, nargs="*")
    parser.add_argument(
        "--only", metavar="PATTERN", action="append", default=[],
        help="only items whose id contains this; * stands for any text; may be repeated",
    )  # fmt: skip
    parser.add_argument("--tag", metavar="TAG", action="append", default=[], help="only scenarios with this tag")
    parser.add_argument(
        "--clause", metavar="CLAUSE", action="append", default=[],
        help="only scenarios of this clause: an id, the beginning of one (restart), or a topic",
    )  # fmt: skip


def _count(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {text!r}")
    return number


def _scale(text: str) -> float | None:
    if text == AUTO:
        return None
    try:
        scale = float(text)
    except ValueError:
        scale = 0.0
    if not 0 < scale < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number above 0 or {AUTO}, got {text!r}")
    return scale


def _hint(word: str, known: Sequence[str] | dict[str, _Parser]) -> str:
    from harness.selection import hint

    return hint(word, known)
