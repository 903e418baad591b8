"""Markdown: what one or several reports say, on a page that a code host shows.

It is the summary of a build, and `docs/conformance.md`. It says of each implementation how many of its items had which
verdict and where the clauses stand, then what is red with its message, what is known to fail with its reason, what was
not judged, and how to have it again.
"""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from typing import TYPE_CHECKING

from harness.model.outcome import BY_LUCK, Verdict
from harness.report.conformance import cell, counted
from harness.report.failure import why
from harness.report.survey import short, tally
from harness.report.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from harness.report.kills import Kills
    from harness.report.run import Result
    from harness.report.survey import Subject, Survey

MOST_RED = 50
"""How many red, or flaky, items of an implementation are listed: build pages take a megabyte, and readers less."""
_SPECIAL = re.compile(r"([\\`*_\[\]|~#])")


def markdown(surveyed: Survey, kills: Kills | None = None) -> str:
    """The page. Levels, topics and reasons are in the order of the suite and of the reports."""
    sections = [
        _head(surveyed),
        _clauses(surveyed),
        _profiles(surveyed),
        *(_notable(subject, title) for title in ("Red", "Flaky") for subject in surveyed.subjects),
        *(_known(subject) for subject in surveyed.subjects),
        _not_judged(surveyed),
        [] if kills is None else _mutants(kills),
        _again(surveyed, with_kills=kills is not None),
    ]
    return "\n".join(f"{line}" for section in sections if section for line in (*section, ""))


def _head(surveyed: Survey) -> list[str]:
    verdicts = [verdict for verdict in Verdict if any(subject.tally.counts[verdict] for subject in surveyed.subjects)]
    rows = [["implementation", "version", "language", "items", *verdicts, "not run"]]
    for subject in surveyed.subjects:
        counts = subject.tally.counts
        known = subject.implementation
        said = [escaped(known.name), escaped(known.version), escaped(known.language)]
        rows.append([*said, *map(_number, [len(subject.results), *(counts[v] for v in verdicts), subject.not_run])])
    if not any(subject.not_run for subject in surveyed.subjects):
        rows = [row[:-1] for row in rows]
    scenarios = f"{len(surveyed.scenarios)} scenarios, {len(surveyed.clauses)} clauses"
    return ["# Conformance", "", f"Suite `{short(surveyed.suite_hash)}`: {scenarios}.", "", *_table(rows)]


def _clauses(surveyed: Survey) -> list[str]:
    """Topics and levels down, implementations across."""
    if not surveyed.clauses:
        return []
    rows = [["topic", "level", "clauses", *(escaped(subject.name) for subject in surveyed.subjects)]]
    for topic, clauses in surveyed.topics.items():
        for level in surveyed.levels:
            ids = [clause.id for clause in clauses if clause.level == level]
            if ids:
                said = [cell(counted(subject.standings, ids)) for subject in surveyed.subjects]
                rows.append([escaped(topic), level, str(len(ids)), *said])
    for level in surveyed.levels:
        ids = [clause.id for clause in surveyed.clauses if clause.level == level]
        said = [cell(counted(subject.standings, ids)) for subject in surveyed.subjects]
        rows.append(["**all**", f"**{level}**", str(len(ids)), *said])
    return ["## Clauses", "", *_table(rows)]


def _profiles(surveyed: Survey) -> list[str]:
    """Which profiles are offered, and what came of the items that need them."""
    rows = [["profile", "items", *(escaped(subject.name) for subject in surveyed.subjects)]]
    for profile in surveyed.profiles:
        items = surveyed.needing(profile)
        if items:
            rows.append(
                [profile, str(len(items)), *(_of_profile(subject, profile, items) for subject in surveyed.subjects)]
            )
    return ["## Profiles", "", *_table(rows)] if len(rows) > 1 else []


def _of_profile(subject: Subject, profile: str, items: Sequence[str]) -> str:
    return str(tally(subject.of(items))) if profile in subject.implementation.profiles else "not offered"


def _notable(subject: Subject, title: str) -> list[str]:
    """What is red, or what is flaky, each with its message."""
    is_red = title == "Red"
    verdicts = [verdict for verdict in Verdict if verdict.wants_attention and verdict.is_red is is_red]
    results = [result for result in subject.results if result.outcome.verdict in verdicts]
    if not results:
        return []
    lines = [f"## {title}: {escaped(subject.name)}", ""]
    for result in results[:MOST_RED]:
        failure = why(result.outcome)
        name = escaped(subject.run.header.name_of(result))
        message = escaped(" ".join(failure.message.split()))
        lines.append(f"- **{result.outcome.verdict}** {name} ({escaped(str(failure.location))}): {message}")
    if len(results) > MOST_RED:
        lines.append(f"- and {len(results) - MOST_RED} more")
    return lines


def _known(subject: Subject) -> list[str]:
    """The reasons of known failures, each with the scenarios that fail for it."""
    found: defaultdict[str, list[Result]] = defaultdict(list)
    for result in subject.results:
        if result.outcome.verdict is Verdict.XFAILED:
            found[(result.outcome.reason or "").removeprefix(BY_LUCK)].append(result)
    if not found:
        return []
    lines = [f"## Known failures: {escaped(subject.name)}", ""]
    for reason, results in sorted(found.items(), key=lambda each: _first(each[1])):
        lucky = sum((result.outcome.reason or "").startswith(BY_LUCK) for result in results)
        luck = f"; {lucky} of them passed this time, by luck" if lucky else ""
        lines.append(f"- {escaped(reason)} ({_items(result.outcome.item for result in results)}{luck})")
    return lines


def _not_judged(surveyed: Survey) -> list[str]:
    lines = []
    for subject in surveyed.subjects:
        reasons: defaultdict[str, int] = defaultdict(int)
        for result in subject.results:
            if result.outcome.verdict in (Verdict.UNSUPPORTED, Verdict.SKIPPED):
                reasons[result.outcome.reason or ""] += 1
        lines += [
            f"- {escaped(reason)}: {count} {'item' if count == 1 else 'items'}"
            for reason, count in sorted(reasons.items())
        ]
    return ["## Not judged", "", *dict.fromkeys(lines)] if lines else []


def _mutants(kills: Kills) -> list[str]:
    """The kill matrix: those that nobody found out first, then all by the clauses that they break."""
    killed = sum(mutant.is_killed for mutant in kills.mutants)
    lines = ["## Mutants", "", f"{killed} of {len(kills.mutants)} testees that are wrong on purpose are found out.", ""]
    if kills.without_mutant:
        lines += [f"Clauses of level must without a mutant: {', '.join(map(escaped, kills.without_mutant))}", ""]
    rows = [["breaks", "mutant", "what it does", "found out by"]]
    for mutant in sorted(kills.mutants, key=lambda each: (each.is_killed, each.clauses)):
        by = ", ".join(map(escaped, mutant.by)) if mutant.is_killed else f"**{mutant.fate}**"
        rows.append([", ".join(map(escaped, mutant.clauses)), escaped(mutant.name), escaped(mutant.says), by])
    return [*lines, *_table(rows)]


def _again(surveyed: Survey, *, with_kills: bool) -> list[str]:
    """The commands that make these reports and this page again."""
    lines, files = [], []
    for run in surveyed.runs:
        names = [known.name for known in run.header.implementations]
        files.append(f"{'-'.join(names)}-report.jsonl")
        command = ["harness", "run", *run.header.suite.split()]
        for known in run.header.implementations:
            command += ["--implementation", known.argument or known.name]
        if run.header.time_scale != 1:
            command += ["--time-scale", f"{run.header.time_scale:g}"]
        lines.append(shlex.join([*command, "--report", files[-1]]))
    if with_kills:
        suites = dict.fromkeys(path for run in surveyed.runs for path in run.header.suite.split())
        lines.append(f"{shlex.join(['harness', 'mutants', *suites, '--json'])} > kills.json")
        files += ["--kills", "kills.json"]
    machines = dict.fromkeys(run.header.machine for run in surveyed.runs)
    where = ", ".join(f"{machine.kernel}, Python {machine.python}, {machine.cores} cores" for machine in machines)
    scales = dict.fromkeys(run.header.scale_in_words for run in surveyed.runs)
    paced = "" if list(scales) == ["1"] else f"; time scale {', '.join(scales)}"
    return [
        "## Again", "", f"Run on {escaped(where)}, by harness {escaped(surveyed.runs[0].header.harness)}{paced}:", "",
        "```console", *(f"$ {printable(line)}" for line in lines),
        f"$ {printable(shlex.join(['harness', 'report', *files, '--markdown', 'conformance.md']))}", "```",
    ]  # fmt: skip


def escaped(text: str) -> str:
    """Text that Markdown takes as it is, in one line, also in a table."""
    plain = printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", plain)


def _items(items: Iterable[str]) -> str:
    """`a, b in 3 cells`: scenarios, with how many of their cells where there are several."""
    cells: defaultdict[str, int] = defaultdict(int)
    for item in items:
        cells[item.partition("[")[0]] += 1
    named = (f"{escaped(path)}{f' in {count} cells' if count > 1 else ''}" for path, count in sorted(cells.items()))
    return ", ".join(named)


def _first(results: Sequence[Result]) -> str:
    return min(result.outcome.item for result in results)


def _number(count: int) -> str:
    return str(count) if count else "-"


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    head, *body = rows
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in body:
        yield f"| {' | '.join(row)} |"
