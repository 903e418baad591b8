"""The arithmetic of figures, and what is said of those that cannot be measured; no value of a measurement is a test."""

from benchmarks.effort import Effort
from benchmarks.figure import OURS, Aim, Figure, lines, measure


def figure(ours: list[float], theirs: list[float | None], *aims: Aim, less_is_better: bool = False) -> Figure:
    one, other = iter(ours), iter(theirs)
    turns = {OURS: lambda: next(one), "peer": lambda: next(other)}
    return Figure(
        "name", "what it is", "us", turns, aims, "the machine", less_is_better=less_is_better, most_rounds=len(ours)
    )


def test_a_ratio_is_the_median_of_the_rounds_and_over_one_is_better() -> None:
    aim = Aim(1.5, 3, "peer")
    assert measure(figure([30, 10, 20], [10, 10, 10], aim), 9).ratios("peer") == [3, 1, 2]
    less = measure(figure([10, 10, 20], [10, 30, 40], aim, less_is_better=True), 9)
    assert less.ratios("peer") == [1, 3, 2]
    assert less.reached(aim) == "yes"


def test_what_is_aimed_at_is_reached_or_not() -> None:
    assert measure(figure([10], [10], stays := Aim(2, 3, "peer")), 1).reached(stays) == "NO"
    assert measure(figure([30], [10], stays), 1).reached(stays) == "stretch"
    assert measure(figure([30], [None], stays), 1).reached(stays) == "-"
    assert measure(figure([30], [None], limit := Aim(40, 20)), 1).reached(limit) == "yes"
    assert measure(figure([50], [None], limit), 1).reached(limit) == "NO"
    assert measure(figure([0], [None], none := Aim(0, 0)), 1).reached(none) == "stretch"


def test_the_order_turns_round_with_each_round() -> None:
    said: list[str] = []
    turns = {name: lambda name=name: said.append(name) for name in ("one", "other")}
    measure(Figure("name", "what it is", "us", turns, (), "the machine"), 2)
    assert said == ["one", "other", "other", "one"]


def test_who_breaks_down_keeps_what_was_measured_before_and_stops_nobody() -> None:
    def breaks() -> float:
        if len(turns_taken) == 2:
            raise RuntimeError("the server did not start")
        turns_taken.append("peer")
        return 10

    turns_taken: list[str] = []
    aim = Aim(2, 3, "peer")
    broken = measure(Figure("name", "what it is", "us", {OURS: lambda: 20.0, "peer": breaks}, (aim,), "the machine"), 4)
    assert broken.values == {OURS: [20, 20, 20, 20], "peer": [10, 10]}
    assert "    peer broke down: RuntimeError: the server did not start" in list(lines(broken))
    assert broken.reached(aim) == "yes"


def test_an_aim_is_not_reached_by_one_of_ours_that_breaks_down() -> None:
    def breaks() -> float:
        raise OSError("no descriptors")

    aim = Aim(50, 20)
    broken = measure(Figure("name", "what it is", "us", {OURS: breaks}, (aim,), "the machine"), 1)
    assert broken.reached(aim) == "NO"


def test_a_line_for_us_and_for_every_peer_also_for_one_that_is_not_there() -> None:
    measured = measure(figure([3000, 1000, 2000], [1000, 1000, 1000], Aim(1.5, 3, "peer")), 9)
    assert list(lines(measured)) == [
        "what it is: 2,000 us (1,000 to 3,000)",
        "    peer: 1,000 us (1,000 to 1,000); 2x (1 to 3), at least 1.5x (stretch 3x): yes",
    ]
    alone = Figure(
        "name", "what it is", "ms", {OURS: lambda: 12.0}, (Aim(50, 20),), "", absent={"peer": "it is not installed"}
    )
    assert list(lines(measure(alone, 1))) == [
        "what it is: 12 ms",
        "    at most 50 (stretch 20): stretch",
        "    peer: not measured, it is not installed",
    ]


def test_a_smaller_effort_does_less_but_not_nothing() -> None:
    small = Effort(rounds=1, seconds=0.1, share=0.01)
    assert (small.count(1000), small.count(10), small.count(10, least=4)) == (10, 1, 4)
    assert small.steps(1, 10, 100, 1000) == (1, 10)
    assert Effort(rounds=1, seconds=0.1, share=0.1).steps(1, 10, 100, 1000) == (1, 10, 100)
    assert Effort(rounds=1, seconds=0.1, share=1).steps(1, 10, 100, 1000) == (1, 10, 100, 1000)
