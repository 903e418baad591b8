"""Every program that measures, run once with tiny numbers: that it measures is tested, and not what.

Left out are those that take more than a second: what counts in whole seconds, a cluster, hundreds of scenarios.
"""

import dataclasses
import shutil

import pytest

from benchmarks.connections import FORKING, THREADING
from benchmarks.curve import trace
from benchmarks.effort import Effort
from benchmarks.figure import LIMIT, OURS
from benchmarks.services import MANAGERS, RAW
from benchmarks.table import all_curves, all_figures

TINY = Effort(rounds=1, seconds=0.5, share=0.001)
DIFFERENCES = {"import", "service-inside"}
"""What is told is what one takes longer than another: on a machine that does much else the other may."""
FIGURES = [
    *(("connections", peer) for peer in (OURS, THREADING, FORKING, LIMIT)),
    *((name, OURS) for name in ("cpu", "echo", "p99", "stop", "server-killed", "child-killed", "lossless")),
    *(("service-empty", peer) for peer in (OURS, MANAGERS, RAW)),
    *((f"service-{row}", OURS) for row in ("1-mib", "block", "make-call-release", "8-threads", "2-processes")),
    *((name, OURS) for name in ("pool-ready", "pool-healed", "pool-memory", "service-inside")),
    *((name, OURS) for name in ("import", "memory", "scenario", "check")),
]
CURVES = [
    ("clients", OURS),
    ("latency", LIMIT),
    *(("held-memory", name) for name in ("riser, a thread for each", "riser, waiting in its queue", THREADING)),
    *((name, OURS) for name in ("children-memory", "threads-time", "processes-memory", "services-time")),
    ("keys-call", "with a new key"),
]


@pytest.mark.parametrize(("name", "peer"), FIGURES)
def test_a_turn_of_a_figure_gives_a_value_or_it_says_why_not(name: str, peer: str) -> None:
    (figure,) = (one for one in all_figures(TINY) if one.name == name)
    if peer in figure.absent:
        assert peer not in figure.turns
        return
    value = figure.turns[peer]()
    assert value is not None
    assert value >= 0 or name in DIFFERENCES


@pytest.mark.parametrize(("name", "series"), CURVES)
def test_a_series_of_a_curve_gives_its_points_or_it_says_why_not(name: str, series: str) -> None:
    (curve,) = (one for one in all_curves(TINY) if one.name == name)
    if series in curve.absent:
        assert series not in curve.series
        return
    traced = trace(dataclasses.replace(curve, series={series: curve.series[series]}), 1)
    assert traced.failures == {}
    places = [x for x, _ in traced.points[series]]
    assert len(places) > 1
    assert places == sorted(places)


@pytest.mark.parametrize("name", ["http-close", "http-keep"])
@pytest.mark.parametrize("peer", [OURS, LIMIT])
def test_http_is_measured_without_wrk_too(name: str, peer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda program: None if program == "wrk" else which(program))
    (figure,) = (one for one in all_figures(TINY) if one.name == name)
    if peer in figure.absent:
        assert peer not in figure.turns
        return
    value = figure.turns[peer]()
    assert value is not None
    assert value >= 0
