"""What it costs to start: an import, a child, a scenario; and to load, to check and to run many of them."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.figure import OURS, Aim, Figure
from benchmarks.life import DAEMON
from benchmarks.programs import children_of, running

ROOT = Path(__file__).parents[1]
BARE = "bare Python"
SCENARIO = """\
scenario: start, talk, stop
actors:
  d: {daemon: echo, mode: daemon, server: {process_num: 2}}
  c: {client: d}
steps:
  - start: d
  - connect: c
  - talk: c
    send: hello
    expect: hello
  - close: c
  - stop: d
"""
FILES = 250


def figures() -> Iterator[Figure]:
    """All of them."""
    yield Figure(
        "import", "import riser and its server, over bare Python", "ms", {OURS: _import_server}, (Aim(40, 25),)
    )
    yield Figure("memory", "memory of an idle child of its own (USS)", "MiB", {OURS: _memory_of_a_child}, (Aim(6, 4),))
    yield Figure(
        "scenario", "a scenario: start a daemon with 2 children, talk, stop", "ms", {OURS: _scenario}, (Aim(100, 60),)
    )
    yield Figure(
        "check", f"load and check {FILES} scenarios, Python's start included", "s", {OURS: _check}, (Aim(0.5, 0.2),)
    )
    yield Figure("suite", "the whole suite on the reference", "s", {OURS: _suite}, (Aim(60, 20),), rounds=1)


def _seconds(*command: str | Path) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    return time.perf_counter() - began


def _import_server() -> float:
    bare = _seconds(sys.executable, "-I", "-c", "pass")
    return (_seconds(sys.executable, "-I", "-c", "import riser; riser.SocketServer") - bare) * 1000


def _memory_of_a_child() -> float:
    with running(*DAEMON) as daemon:
        child = _eventually(lambda: [grand for pid in children_of(daemon.process.pid) for grand in children_of(pid)])[0]
        before = -1
        # It has settled when two looks see the same.
        while (now := _private_kib(child)) != before:
            before = now
            time.sleep(0.05)
        return now / 1024


def _scenario() -> float:
    with tempfile.TemporaryDirectory() as place:
        file = Path(place, "talk.yaml")
        file.write_text(SCENARIO)
        report = Path(place, "report.jsonl")
        command = [sys.executable, "-m", "harness", "run", str(file), "--report", str(report)]
        subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
        return _seconds_of_item(report) * 1000


def _seconds_of_item(report: Path) -> float:
    for line in report.read_text().splitlines():
        if outcome := json.loads(line).get("outcome"):
            return float(outcome["seconds"])
    raise RuntimeError("the report has no item with its time")


def _check() -> float:
    """As many files as `FILES`, copied from the suite in turn."""
    originals = sorted(ROOT.glob("scenarios/*/*.yaml"))
    with tempfile.TemporaryDirectory() as place:
        suite = Path(place, "scenarios")
        suite.mkdir()
        (suite / "clauses.yaml").write_text((ROOT / "scenarios" / "clauses.yaml").read_text())
        for number in range(FILES):
            original = originals[number % len(originals)]
            copy = suite / str(number // len(originals)) / original.parent.name / original.name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(original.read_text())
        return _seconds(sys.executable, "-m", "harness", "check", suite)


def _suite() -> float:
    done = subprocess.run(
        [sys.executable, "-m", "harness", "run"], check=True, capture_output=True, text=True, cwd=ROOT
    )
    found = re.search(r"items in ([\d.]+) s", done.stdout)
    if not found:
        raise RuntimeError(f"the suite says no time: {done.stdout[-300:]}")
    return float(found[1])


def _private_kib(pid: int) -> int:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(size) for size in re.findall(r"^Private_\w+: +(\d+) kB", text, re.MULTILINE))


def _eventually(look: Callable[[], list[int]]) -> list[int]:
    deadline = time.monotonic() + 60
    while not (found := look()):
        if time.monotonic() > deadline:
            raise RuntimeError("no child appears")
        os.sched_yield()
    return found
