"""How slow a machine is, and that its upper bounds are stretched by that and by nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.engine import calibration
from harness.engine.calibration import measure, scale_of
from harness.model.pace import Pace


@pytest.mark.parametrize(
    ("milliseconds", "scale"), [(1, 1), (10, 1), (25, 1), (26, 1.1), (42, 1.7), (100, 4), (250, 10), (60_000, 10)]
)
def test_a_machine_is_given_time_as_it_is_slow(milliseconds: float, scale: float) -> None:
    assert Pace(milliseconds / 1000).scale == scale


@given(st.floats(0, 1e6))
def test_nothing_is_ever_shortened(seconds: float) -> None:
    assert 1 <= Pace(seconds).scale <= 10


def test_one_hiccup_is_no_slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = iter([0.01, 5.0, 0.02])
    monkeypatch.setattr(calibration, "_start_and_end", lambda: next(taken))
    assert measure() == Pace(0.02)


def test_what_is_measured_is_the_life_of_a_process() -> None:
    assert 0 < measure().process < 60


def test_a_scale_that_is_given_is_taken_without_measuring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "_start_and_end", lambda: 0.1)
    assert scale_of(0.5) == 0.5
    assert scale_of(None) == 4
