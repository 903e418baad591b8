"""Curves: what is measured along them, what one more costs, and how they are drawn."""

from collections.abc import Iterator
from xml.etree import ElementTree as ET

import pytest

from benchmarks.curve import Axis, Curve, lines, trace
from benchmarks.plot import drawing, scale

SVG = "{http://www.w3.org/2000/svg}"


def curve(*, x: Axis = Axis("threads"), y: Axis = Axis("MiB")) -> Curve:  # noqa: B008 - values that never change
    return Curve(
        "name",
        "Memory & threads",
        x,
        y,
        {"ours": lambda: [(1, 11), (10, 20), (100, 110)], "theirs": lambda: [(1, 5), (10, 500)]},
        "the stacks",
        one_more=("KiB", 1024, "a thread"),
        absent={"another": "it is not installed"},
    )


def test_a_curve_is_told_with_what_one_more_costs_and_who_is_missing() -> None:
    assert list(lines(trace(curve(), 1))) == [
        "Memory & threads: MiB, by threads",
        "    ours: 1: 11, 10: 20, 100: 110",
        "        1,024 KiB for a thread",
        "    theirs: 1: 5, 10: 500",
        "        56,320 KiB for a thread",
        "    another: not measured, it is not installed",
    ]


def test_at_each_place_the_median_of_the_rounds_counts() -> None:
    rounds = iter([[(1, 5), (2, 9)], [(1, 7), (2, 8)], [(1, 100), (2, 1)]])
    thrice = Curve("name", "title", Axis("x"), Axis("y"), {"ours": lambda: next(rounds)}, "", most_rounds=3)
    assert trace(thrice, 9).points == {"ours": [(1, 7), (2, 8)]}


def test_what_was_measured_before_a_series_broke_down_is_kept() -> None:
    def breaks() -> Iterator[tuple[float, float]]:
        yield 1, 11
        raise RuntimeError("out of descriptors")

    broken = trace(Curve("name", "title", Axis("x"), Axis("y"), {"ours": breaks}, ""), 1)
    assert broken.points == {"ours": [(1, 11)]}
    assert list(lines(broken))[-1] == "    ours broke down: RuntimeError: out of descriptors"


@pytest.mark.parametrize("steps", ["added", "multiplied"])
def test_a_drawing_has_a_line_for_each_series_and_its_name(steps: str) -> None:
    x, y = (Axis(title, is_logarithmic=steps == "multiplied") for title in ("threads", "MiB"))
    traced = trace(curve(x=x, y=y), 1)
    picture = ET.fromstring(drawing(traced.curve, traced.points))
    paths = [line.attrib["points"].split() for line in picture.iter(f"{SVG}polyline")]
    assert [len(path) for path in paths] == [3, 2]
    words = [text.text for text in picture.iter(f"{SVG}text")]
    assert {"ours", "theirs", "threads", "MiB", "Memory & threads"} <= set(words)
    left_to_right = [float(place.split(",")[0]) for place in paths[0]]
    assert left_to_right == sorted(left_to_right)


def test_a_drawing_can_be_read_on_a_dark_page() -> None:
    traced = trace(curve(), 1)
    assert "prefers-color-scheme: dark" in drawing(traced.curve, traced.points)


def test_a_drawing_without_a_point_is_still_one() -> None:
    for axis in (Axis("x"), Axis("x", is_logarithmic=True)):
        ET.fromstring(drawing(curve(x=axis, y=axis), {"ours": [], "theirs": [(0, 0)]}))


@pytest.mark.parametrize(
    ("axis", "values", "ticks"),
    [
        (Axis("x"), [3, 97], (0, 20, 40, 60, 80, 100)),
        (Axis("x"), [0.12], (0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.12)),
        (Axis("x"), [10_000], (0, 2000, 4000, 6000, 8000, 10_000)),
        (Axis("x"), [0], (0, 0.2, 0.4, 0.6, 0.8, 1)),
        (Axis("x", is_logarithmic=True), [3, 97], (1, 10, 100)),
        (Axis("x", is_logarithmic=True), [10], (10, 100)),
    ],
)
def test_a_scale_has_round_numbers_and_holds_every_value(
    axis: Axis, values: list[float], ticks: tuple[float, ...]
) -> None:
    paper = scale(axis, values, start=0, end=100)
    assert paper.ticks == pytest.approx(ticks)
    assert all(-1e-9 <= paper.place(value) <= 100 + 1e-9 for value in values)
    assert paper.place(paper.ticks[-1]) == pytest.approx(100)
