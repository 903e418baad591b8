"""Calls of services: riser beside dRuby, multiprocessing.managers, RPyC, and a raw socket as the limit.

Rows of one client are pinned to one core, both sides of the call; those of threads and processes are not. Each turn is
a process of its own.
"""

import functools
import importlib.util
import re
from collections.abc import Iterator
from typing import NamedTuple

from benchmarks.effort import Effort
from benchmarks.figure import OURS, Aim, Figure
from benchmarks.programs import pinned, python, ruby, value_of, why_no_ruby

DRUBY, MANAGERS, RPYC, RAW = "dRuby", "multiprocessing.managers", "RPyC", "raw socket"

ONE_CORE = "two switches between processes, the pickling of the call, and some 20 us of Python around them"


class Row(NamedTuple):
    """One figure: what it is called, how many calls a round has, whether it is pinned, and what is aimed at."""

    name: str
    calls: int
    is_pinned: bool
    at_least: float
    stretch: float
    limited_by: str


ROWS = (
    Row("empty", 3000, is_pinned=True, at_least=4, stretch=7, limited_by=ONE_CORE),
    Row("1 KiB", 3000, is_pinned=True, at_least=3, stretch=5, limited_by=ONE_CORE),
    Row(
        "1 MiB", 60, is_pinned=True, at_least=4, stretch=8,
        limited_by="memory: the bytes are copied into the socket and out of it, both ways, and nowhere else",
    ),
    Row(
        "block", 1500, is_pinned=True, at_least=3, stretch=6,
        limited_by="a message back and one more forth: the block runs in the caller's thread, on the same connection",
    ),
    Row("by reference", 3000, is_pinned=True, at_least=3, stretch=6, limited_by=ONE_CORE),
    Row(
        "make, call, release", 1000, is_pinned=True, at_least=2, stretch=4,
        limited_by="two calls; that the reference was dropped travels with a later one",
    ),
    Row(
        "8 threads", 8000, is_pinned=False, at_least=1.2, stretch=2,
        limited_by="the GIL, once among the callers and once in the service",
    ),
    Row(
        "2 processes", 6000, is_pinned=False, at_least=3, stretch=6,
        limited_by="4 processes that are busy on 2 cores",
    ),
)  # fmt: skip


def figures(effort: Effort) -> Iterator[Figure]:
    """All of them."""
    peers = (OURS, DRUBY, MANAGERS, RPYC, RAW)
    absent = {peer: reason for peer in peers if (reason := _why_absent(peer))}
    for row in ROWS:
        calls = effort.count(row.calls, least=8)
        yield Figure(
            "service-" + re.sub(r"[^a-z0-9]+", "-", row.name.lower()),
            f"service call: {row.name}" + (" (all on one core)" if row.is_pinned else ""),
            "us",
            {peer: functools.partial(_microseconds, peer, row, calls) for peer in peers if peer not in absent},
            (Aim(row.at_least, row.stretch, DRUBY),),
            row.limited_by,
            less_is_better=True,
            absent=absent,
        )


def _microseconds(peer: str, row: Row, calls: int) -> float | None:
    command = (
        ruby("calls.rb", row.name, str(calls))
        if peer == DRUBY
        else python("calls.py", {MANAGERS: "managers", RPYC: "rpyc", RAW: "raw"}.get(peer, peer), row.name, str(calls))
    )
    seconds = value_of(*(pinned(command) if row.is_pinned else command))
    return None if seconds is None else seconds * 1e6


def _why_absent(peer: str) -> str | None:
    if peer == DRUBY:
        return why_no_ruby()
    if peer == RPYC and importlib.util.find_spec("rpyc") is None:
        return "it is not installed (extra bench)"
    return None
