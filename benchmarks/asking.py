"""Scenarios of the same content for the harness, varnishtest and Tavern: one request to a server that runs already.

Tavern needs other versions of what the harness needs too, so it has an environment of its own, whose Python is named by
the environment variable TAVERN.
"""

import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figure import OURS
from benchmarks.programs import python, running

ROOT = Path(__file__).parents[1]
VARNISHTEST, TAVERN = "varnishtest", "Tavern"
LOOKS = 3
"""How often what is subtracted is measured; the least of it is its cost, the rest is the machine's other business."""
ASK = """\
scenario: ask once
actors:
  c: {client: "%(address)s"}
  h: {http: c}
steps:
  - connect: c
  - request: {of: h, path: /, expect: {status: 200}}
  - close: c
"""
ASK_VTC = """\
varnishtest "ask once"
client c1 -connect %(address)s {
    txreq -url /
    rxresp
    expect resp.status == 200
} -run
"""
ASK_TAVERN = """\
test_name: ask once
stages:
  - name: ask
    request: {url: "http://%(address)s/", method: GET}
    response: {status_code: 200}
"""


def why_absent(peer: str) -> str | None:
    """Why varnishtest or Tavern cannot be measured here; None if it can."""
    if peer == VARNISHTEST:
        return None if shutil.which(VARNISHTEST) else "it is not installed"
    if "TAVERN" in os.environ or importlib.util.find_spec("tavern"):
        return None
    return "it is not installed; TAVERN names the Python of its environment"


def milliseconds_per_item(peer: str, items: int) -> float:
    """What one more costs when they come one after the other: the start of the program is in both runs."""
    text, name = {
        OURS: (ASK, "ask-%d.yaml"),
        VARNISHTEST: (ASK_VTC, "ask-%d.vtc"),
        TAVERN: (ASK_TAVERN, "test_ask_%d.tavern.yaml"),
    }[peer]
    with _asking(text, 1, name) as place:
        file = Path(place, name % 0)
        few = min(_run_again(peer, file, 1) for _ in range(LOOKS))
        return (_run_again(peer, file, items + 1) - few) / items * 1000


def _run_again(peer: str, file: Path, times: int) -> float:
    """Run one scenario so many times in one run; Tavern, which cannot, has as many in the file."""
    if peer == VARNISHTEST:
        return seconds_of(VARNISHTEST, "-q", "-j1", f"-n{times}", file)
    if peer == OURS:
        return seconds_of(sys.executable, "-m", "harness", "run", file, "--repeat", str(times), "--jobs", "1")
    text = file.read_text()
    file.write_text("---\n".join(text for _ in range(times)))
    tavern = os.environ.get("TAVERN", sys.executable)
    took = seconds_of(tavern, "-m", "pytest", "-q", "-p", "no:cacheprovider", file, place=file.parent)
    file.write_text(text)
    return took


def run_seconds(files: int) -> float:
    """To run so many files, each of which asks a server that is there once, as many at once as usual."""
    with _asking(ASK, files, "ask-%d.yaml") as place:
        return seconds_of(sys.executable, "-m", "harness", "run", place)


def run_by_varnishtest_seconds(files: int) -> float:
    """The same for varnishtest, with as many at once."""
    with _asking(ASK_VTC, files, "ask-%d.vtc") as place:
        return seconds_of(VARNISHTEST, f"-j{2 * len(os.sched_getaffinity(0))}", "-q", *sorted(Path(place).iterdir()))


@contextlib.contextmanager
def _asking(text: str, files: int, name: str) -> Iterator[str]:
    """A server that answers over HTTP, and a directory with so many files that ask it."""
    with running(*python("http.py", OURS, "2", "4")) as server, tempfile.TemporaryDirectory() as place:
        for number in range(files):
            Path(place, name % number).write_text(text % {"address": server.address})
        yield place


def seconds_of(*command: str | Path, place: Path = ROOT) -> float:
    """How long a program took; raises RuntimeError if it failed."""
    began = time.perf_counter()
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=place, timeout=300)
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended with status {done.returncode}: {(done.stdout + done.stderr)[-300:]}")
    return time.perf_counter() - began
