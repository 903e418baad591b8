"""From a timeline to lanes, and from lanes to a drawing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.model.outcome import Failure, Outcome, Verdict
from harness.model.source import Location
from harness.model.timeline import Moment, What
from harness.report.html.drawing import WIDTH, drawing
from harness.report.html.lanes import MOST_LANES, Mark, picture

if TYPE_CHECKING:
    from harness.report.run import Result

HERE = Location("a.yaml", 3, 5)


def outcome(*moments: Moment, seconds: float = 1.0, failure: Failure | None = None) -> Outcome:
    verdict = Verdict.PASSED if failure is None else Verdict.FAILED
    place = Location("a.yaml", 1, 1)
    return Outcome("a/b", "", (), "i", verdict, place, seconds=seconds, failure=failure, timeline=moments)


def drawn(told: Outcome) -> ET.Element:
    svg = ET.fromstring(drawing(picture(told))).find("svg")
    assert svg is not None
    return svg


def test_a_process_lives_from_its_birth_or_its_first_word_to_its_death() -> None:
    shown = picture(
        outcome(
            Moment(0.1, "d", What.BIRTH, "riser", 10),
            Moment(0.2, "d", What.LOG, "ready", 10),
            Moment(0.3, "d", What.EVENT, "preprocess", 11),
            Moment(0.6, "d", What.DEATH, "child ended", 11),
        )
    )
    assert [(lane.pid, lane.born, lane.died) for lane in shown.lanes] == [(10, 0.1, None), (11, 0.3, 0.6)]
    assert [lane.is_first for lane in shown.lanes] == [True, False]
    assert shown.lanes[0].marks == [(Mark.LOG, 0.2)]


def test_each_actor_has_a_lane_and_the_harness_has_the_steps() -> None:
    shown = picture(
        outcome(
            Moment(0.0, "harness", What.STEP, "start d"),
            Moment(0.2, "c", What.SENT, "echo"),
            Moment(0.1, "d", What.LOG, "before it is known which process", None),
            Moment(0.3, "d", What.LOG, "x", 10),
            Moment(0.4, "c", What.RECEIVED, "ok"),
        )
    )
    assert [(lane.actor, lane.pid) for lane in shown.lanes] == [("c", None), ("d", 10)]
    assert shown.steps == ((0.0, "start d"),)


def test_the_clients_of_a_load_share_its_lane() -> None:
    shown = picture(outcome(*(Moment(0.1, f"load#{number}", What.OPERATION, "x") for number in range(3))))
    assert [(lane.actor, len(lane.marks)) for lane in shown.lanes] == [("load", 3)]


def test_a_signal_is_an_arrow_to_the_process_that_gets_it() -> None:
    shown = picture(
        outcome(
            Moment(0.1, "d", What.BIRTH, "riser", 10),
            Moment(0.2, "d", What.EVENT, "x", 11),
            Moment(0.3, "d", What.SIGNAL, "KILL", 11),
        )
    )
    assert [(arrow.at, arrow.lane, arrow.text) for arrow in shown.arrows] == [(0.3, 2, "KILL")]


def test_the_failing_step_and_the_moment_that_shows_it_are_marked(lossless: Result) -> None:
    shown = picture(lossless.outcome)
    assert shown.fault == (0.538, 3, None)
    steps = (Moment(0.0, "harness", What.STEP, "start d"), Moment(0.5, "harness", What.STEP, "event d"))
    gave_up = outcome(*steps, Moment(1.2, "harness", What.STEP, "tidy up"), failure=Failure(HERE, "no event"))
    assert picture(gave_up).fault == (1.0, 0, 1)
    failing = [text.text for text in drawn(gave_up).iter("text") if text.get("class") == "f"]
    assert failing == ["event d"]


def test_lanes_beyond_what_can_be_read_are_counted() -> None:
    shown = picture(outcome(*(Moment(0.1, f"c{number}", What.OPERATION, "x") for number in range(MOST_LANES + 3))))
    assert len(shown.lanes) == MOST_LANES
    assert shown.left_out == 3


def test_a_picture_says_what_it_shows() -> None:
    told = outcome(
        Moment(0.0, "harness", What.STEP, "start d"), Moment(0.3, "d", What.SIGNAL, "TERM", 10),
        failure=Failure(HERE, "wrong", 1),
    )  # fmt: skip
    label = "1.00 seconds; steps: start d; actors: d; signals: TERM; fails after 0.30 seconds"
    assert drawn(told).get("aria-label") == label


def test_a_long_timeline_is_not_a_long_drawing() -> None:
    def size(moments: int) -> int:
        return len(drawing(picture(outcome(*(Moment(at / moments, "d", What.EVENT, "x", 1) for at in range(moments))))))

    assert size(50_000) < size(2_000) + 100


MOMENTS = st.lists(
    st.builds(
        Moment, st.floats(0, 1e5), st.sampled_from(["harness", "d", "c", "日本"]), st.sampled_from(What),
        st.text(max_size=30), st.none() | st.integers(1, 4),
    ),
    max_size=40,
)  # fmt: skip


@settings(deadline=None)
@given(moments=MOMENTS, seconds=st.floats(0, 1e5), data=st.data())
def test_any_timeline_is_drawn_within_its_frame(moments: list[Moment], seconds: float, data: st.DataObject) -> None:
    moments.sort(key=lambda moment: moment.at)
    decisive = data.draw(st.none() | st.integers(0, len(moments) - 1)) if moments else None
    failure = data.draw(st.none() | st.just(Failure(HERE, "wrong", decisive)))
    svg = drawn(outcome(*moments, seconds=seconds, failure=failure))
    height = int(str(svg.get("viewBox")).split()[3])
    for element in svg.iter():
        if (x := element.get("x", element.get("cx"))) is not None:
            assert 0 <= float(x) <= WIDTH
            assert 0 <= float(element.get("y") or element.get("cy") or 0) <= height
        for place in re.findall(r"M(\d+) (\d+)", element.get("d", "")):
            assert int(place[0]) <= WIDTH
            assert int(place[1]) <= height
