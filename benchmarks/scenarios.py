"""What scenarios cost: to load, to check and to run, beside varnishtest and Tavern with the same content."""

import functools
import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.asking import (
    LOOKS,
    ROOT,
    TAVERN,
    VARNISHTEST,
    milliseconds_per_item,
    run_seconds,
    seconds_of,
    why_absent,
)
from benchmarks.effort import Effort
from benchmarks.figure import OURS, Aim, Figure
from benchmarks.programs import PEERS, python

FILES, FEW, MANY = 250, 100, 1000
DAEMON = """\
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
DAEMON_VTC = """\
varnishtest "start, talk, stop"
process p1 "exec %(command)s 2 %(address)s" -start
process p1 -expect-text 0 0 "server process ready"
client c1 -connect %(address)s {
    send "hello"
    recv 5
} -run
process p1 -kill TERM -wait
"""


def figures(effort: Effort) -> Iterator[Figure]:
    """All of them."""
    absent = {peer: reason for peer in (VARNISHTEST, TAVERN) if (reason := why_absent(peer))}
    daemons = {OURS: _daemon, VARNISHTEST: _daemon_by_varnishtest}
    yield Figure(
        "scenario",
        "a scenario: start a daemon with 2 children, talk, stop",
        "ms",
        {peer: turn for peer, turn in daemons.items() if peer not in absent},
        (Aim(100, 60),),
        "the daemon: a Python that starts and imports riser and its adapter, three forks, and as many ends",
        less_is_better=True,
        absent={**absent, TAVERN: "it starts no daemons"},
    )
    # Ours are more, as they are over so soon that the start of the program would hide them.
    items = {OURS: effort.count(500, least=5), **dict.fromkeys((VARNISHTEST, TAVERN), effort.count(100, least=5))}
    yield Figure(
        "engine",
        "a scenario without processes: one request to a server that runs already",
        "ms",
        {
            peer: functools.partial(milliseconds_per_item, peer, count)
            for peer, count in items.items()
            if peer not in absent
        },
        (Aim(5, 2),),
        "a workspace made and removed, the look at what is left behind, and the turns of asyncio around each step",
        less_is_better=True,
        absent=absent,
        most_rounds=3,
    )
    yield Figure(
        "check",
        f"load and check {FILES} scenarios, Python's start included",
        "s",
        {OURS: functools.partial(check_seconds, effort.count(FILES))},
        (Aim(0.5, 0.2),),
        "Python's start and imports, then the YAML parser in C, and a millisecond or two for each file",
    )
    for name, title, measured in (
        ("check-growth", "to check a scenario", check_seconds),
        ("run-growth", "to run a scenario without processes", run_seconds),
    ):
        yield Figure(
            name,
            f"{title}, among {MANY:,} over among {FEW}",
            "x",
            {OURS: functools.partial(_growth, measured, effort.count(FEW, least=5))},
            (Aim(1.25, 1.1),),
            "nothing that grows: a file and an item know nothing of the others",
            most_rounds=3,
        )
    yield Figure(
        "suite",
        "the whole suite on the reference",
        "s",
        {OURS: _suite},
        (Aim(60, 20),),
        "processes that start, as many items at once as there are two for each core",
        most_rounds=1,
    )


def check_seconds(files: int) -> float:
    """To load and check so many files, copied from the suite in turn."""
    originals = sorted(ROOT.glob("scenarios/*/*.yaml"))
    with tempfile.TemporaryDirectory() as place:
        suite = Path(place, "scenarios")
        suite.mkdir()
        shutil.copy(ROOT / "scenarios" / "clauses.yaml", suite)
        for number in range(files):
            original = originals[number % len(originals)]
            copy = suite / str(number // len(originals)) / original.parent.name / original.name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(original, copy)
        return seconds_of(sys.executable, "-m", "harness", "check", str(suite))


def _daemon() -> float:
    with tempfile.TemporaryDirectory() as place:
        file, report = Path(place, "talk.yaml"), Path(place, "report.jsonl")
        file.write_text(DAEMON)
        seconds_of(sys.executable, "-m", "harness", "run", file, "--report", report)
        for line in report.read_text().splitlines():
            if outcome := json.loads(line).get("outcome"):
                return float(outcome["seconds"]) * 1000
        raise RuntimeError("the report has no item with its time")


def _daemon_by_varnishtest() -> float:
    with tempfile.TemporaryDirectory() as place, socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
        probe.close()
        file = Path(place, "talk.vtc")
        file.write_text(DAEMON_VTC % {"command": " ".join(python(str(PEERS / "daemon.py"))), "address": address})
        done = subprocess.run([VARNISHTEST, file], check=True, capture_output=True, text=True, timeout=120)
        found = re.search(r"passed \(([\d.]+)\)", done.stdout)
        if not found:
            raise RuntimeError(f"varnishtest says no time: {done.stdout[-300:]}")
        return float(found[1]) * 1000


def _growth(measured: Callable[[int], float], few: int) -> float:
    """The cost of one among ten times as many over that of one among a few; the start of the program is neither's."""
    one, some = (min(measured(files) for _ in range(LOOKS)) for files in (1, few))
    many = measured(few * MANY // FEW)
    return (many - one) / (few * MANY // FEW - 1) / ((some - one) / (few - 1))


def _suite() -> float:
    done = subprocess.run(
        [sys.executable, "-m", "harness", "run"], check=True, capture_output=True, text=True, cwd=ROOT, timeout=900
    )
    found = re.search(r"items in ([\d.]+) s", done.stdout)
    if not found:
        raise RuntimeError(f"the suite says no time: {done.stdout[-300:]}")
    return float(found[1])
