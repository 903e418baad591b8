"""What a proxy does at each position of a stream, with and without a fault."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.engine.actors.passage import End, Hold, Move, Pass, Plan, garbled, next_move
from harness.model.steps import Disturbance


@pytest.mark.parametrize(
    ("plan", "position", "available", "move"),
    [
        (None, 5, 7, Pass(7)),
        (None, 5, 0, Pass(0)),
        (Plan(Disturbance.PAUSE, 10), 5, 7, Pass(5)),
        (Plan(Disturbance.PAUSE, 10), 10, 7, Hold()),
        (Plan(Disturbance.PAUSE, 10), 10, 0, Hold()),
        (Plan(Disturbance.TRUNCATE, 10), 9, 7, Pass(1)),
        (Plan(Disturbance.TRUNCATE, 10), 10, 7, End(is_reset=False)),
        (Plan(Disturbance.RESET, 0), 0, 0, End(is_reset=True)),
        (Plan(Disturbance.TRICKLE, 2, rate=50), 2, 7, Pass(1, seconds=0.02)),
        (Plan(Disturbance.TRICKLE, 2, rate=50), 2, 0, Pass(0)),
        (Plan(Disturbance.GARBLE, 2), 2, 7, Pass(7, is_garbled=True)),
        (Plan(Disturbance.GARBLE, 2, count=3), 3, 7, Pass(2, is_garbled=True)),
        (Plan(Disturbance.GARBLE, 2, count=3), 5, 7, Pass(7)),
    ],
)
def test_the_next_move_is_told_by_the_fault_and_the_position(
    plan: Plan | None, position: int, available: int, move: Move
) -> None:
    assert next_move(plan, position=position, available=available) == move


@given(st.binary(max_size=40), st.integers(0, 50), st.integers(1, 50), st.lists(st.integers(1, 20), min_size=1))
def test_a_fault_falls_on_the_same_bytes_however_the_stream_is_cut(
    data: bytes, begin: int, count: int, cuts: list[int]
) -> None:
    plan = Plan(Disturbance.GARBLE, begin, count=count)
    arrived, rest = b"", data
    while rest:
        piece, rest = rest[: cuts[len(arrived) % len(cuts)]], rest[cuts[len(arrived) % len(cuts)] :]
        while piece:
            move = next_move(plan, position=len(arrived), available=len(piece))
            assert isinstance(move, Pass)
            portion, piece = piece[: move.count], piece[move.count :]
            arrived += garbled(portion) if move.is_garbled else portion
    assert arrived == data[:begin] + garbled(data[begin : begin + count]) + data[begin + count :]
