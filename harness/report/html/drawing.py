"""A timeline as inline SVG: lanes from top to bottom, time from left to right.

Marks of one kind on one lane are one path, and those that would fall on the same pixel are one mark: a timeline of
thousands of moments is then no larger than one that fills its width.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.report.html.lanes import Lane, Mark, Picture
from harness.report.html.markup import Markup, element, joined, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

WIDTH = 960
LEFT, RIGHT = 128, 14
TOP, LANE, BOTTOM = 46, 20, 22
CHARACTER = 6.1
"""Width of a character in the small type of the labels."""
LONGEST = 16
"""Characters of a lane's name that fit beside the lanes."""


def drawing(picture: Picture) -> Markup:
    """The picture, with what it shows as its label for those who cannot see it."""
    height = TOP + LANE * (len(picture.lanes) + (picture.left_out > 0)) + BOTTOM
    made = element(
        "svg",
        *_clean_up(picture, height),
        *_axis(picture, height),
        *_lanes(picture),
        *_steps(picture),
        *_arrows(picture),
        *_fault(picture, height),
        viewBox=f"0 0 {WIDTH} {height}",
        role="img",
        aria_label=_label(picture),
    )
    return element("div", made, class_="tl", role="region", aria_label="timeline", tabindex="0")


def _x(picture: Picture, at: float) -> int:
    return LEFT + round(max(at, 0.0) / (picture.seconds or 1.0) * (WIDTH - LEFT - RIGHT))


def _y(lane: int) -> int:
    """The middle of a lane; lane 0 is the harness."""
    return TOP - 10 if lane == 0 else TOP + LANE * (lane - 1) + LANE // 2


def _label(picture: Picture) -> str:
    parts = [f"{picture.seconds:.2f} seconds", f"steps: {', '.join(step for _, step in picture.steps) or 'none'}"]
    actors = dict.fromkeys(lane.actor for lane in picture.lanes)
    parts.append(f"actors: {', '.join(actors) or 'none'}")
    signals = dict.fromkeys(arrow.text for arrow in picture.arrows)
    if signals:
        parts.append(f"signals: {', '.join(signals)}")
    if picture.fault is not None:
        parts.append(f"fails after {picture.fault[0]:.2f} seconds")
    return "; ".join(parts)


def _clean_up(picture: Picture, height: int) -> Iterator[Markup]:
    """What came after the last step is the harness tidying up."""
    begin, end = _x(picture, picture.finished), _x(picture, picture.seconds)
    if end - begin > 1:
        yield element("rect", class_="c", x=f"{begin}", y="0", width=f"{end - begin}", height=f"{height - BOTTOM}")


def _axis(picture: Picture, height: int) -> Iterator[Markup]:
    distance = _distance(picture.seconds)
    count = int(picture.seconds / distance) if distance else 0
    times = [(index * distance, _x(picture, index * distance)) for index in range(count + 1)]
    bottom = height - BOTTOM
    yield element("path", class_="a", d="".join(f"M{x} {TOP - 20}V{bottom}" for _, x in times))
    for time, x in times:
        last = x > WIDTH - 40
        shown = text(f"{time:g} s")
        yield element("text", shown, class_="m" if last else None, x=str(x), y=str(bottom + 14))


def _distance(seconds: float) -> float:
    """Seconds between two lines of the axis: 1, 2 or 5 times a power of ten, at most eight lines."""
    distance = 0.001
    while seconds / distance > 8:
        for factor in (2, 2.5, 2):
            distance = round(distance * factor, 9)
            if seconds / distance <= 8:
                break
    return distance


def _lanes(picture: Picture) -> Iterator[Markup]:
    yield element("text", text("harness"), x="4", y=str(_y(0) + 4))
    for number, lane in enumerate(picture.lanes, 1):
        y = _y(number)
        yield element("text", *_name(lane), x="4" if lane.is_first else "16", y=str(y + 4))
        if lane.born is not None:
            begin = _x(picture, lane.born)
            end = _x(picture, picture.seconds if lane.died is None else lane.died)
            width = str(max(end - begin, 2))
            yield element("rect", class_="b", x=str(begin), y=str(y - 7), width=width, height="14", rx="3")
            if lane.died is not None:
                yield element("path", class_="d", d=f"M{end} {y - 7}v14")
        for mark in Mark:
            places = _pixels(picture, (at for kind, at in lane.marks if kind is mark))
            if places:
                yield element("path", class_=mark.value, d="".join(f"M{x} {y - 4}v8" for x in places))
    if picture.left_out:
        y = _y(len(picture.lanes) + 1)
        yield element("text", text(f"and {picture.left_out} lanes more"), x=str(LEFT), y=str(y + 4))


def _name(lane: Lane) -> Iterator[Markup]:
    room = LONGEST
    if lane.is_first:
        actor = lane.actor if len(lane.actor) <= LONGEST else f"{lane.actor[: LONGEST - 1]}…"
        room -= len(actor) + 1
        yield text(actor)
    if lane.pid is not None and len(str(lane.pid)) <= room:
        yield element("tspan", text(f" {lane.pid}" if lane.is_first else lane.pid), class_="p")


def _pixels(picture: Picture, times: Iterable[float]) -> list[int]:
    return sorted({_x(picture, at) for at in times})


def _steps(picture: Picture) -> Iterator[Markup]:
    """A tick for every step, and its words where there is room, on two lines in turn."""
    failing = picture.fault[2] if picture.fault is not None else None
    ticks = _pixels(picture, (at for at, _ in picture.steps))
    if ticks:
        yield element("path", class_="s", d="".join(f"M{x} {TOP - 16}v12" for x in ticks))
    wanted = sorted(enumerate(picture.steps), key=lambda step: step[0] != failing)
    for index, x, line, words in sorted(_placed(picture, wanted)):
        name = "f" if index == failing else None
        yield element("text", text(words), class_=name, x=str(x), y=str(10 + 11 * line))


def _placed(picture: Picture, steps: list[tuple[int, tuple[float, str]]]) -> Iterator[tuple[int, int, int, str]]:
    """Index, place and line of the steps that are named; the first of `steps` always is."""
    spans: list[list[tuple[float, float]]] = [[], []]
    for index, (at, words) in steps:
        width = CHARACTER * len(words)
        x = min(_x(picture, at), round(WIDTH - 2 - width))
        for line, taken in enumerate(spans):
            if all(x > end + 5 or x + width + 5 < begin for begin, end in taken):
                taken.append((x, x + width))
                yield index, x, line, words
                break


def _arrows(picture: Picture) -> Iterator[Markup]:
    """Signals come down from the harness; each is named where there is room."""
    drawn = sorted({(arrow.lane, _x(picture, arrow.at)) for arrow in picture.arrows})
    if drawn:
        lines = (f"M{x} {TOP - 10}V{_y(lane) - 1}m-3 -5l3 5l3 -5" for lane, x in drawn)
        yield element("path", class_="g", d="".join(lines))
    free: dict[int, float] = {}
    for arrow in picture.arrows:
        x, width = _x(picture, arrow.at), CHARACTER * len(arrow.text)
        if x >= free.get(arrow.lane, 0) and x + 5 + width < WIDTH:
            free[arrow.lane] = x + 8 + width
            yield element("text", text(arrow.text), class_="g", x=str(x + 5), y=str(_y(arrow.lane) + 4))


def _fault(picture: Picture, height: int) -> Iterator[Markup]:
    if picture.fault is not None:
        at, lane, _ = picture.fault
        x, y = _x(picture, at), _y(lane)
        yield joined(
            element("path", class_="x", d=f"M{x} {TOP - 20}V{height - BOTTOM}"),
            element("circle", class_="x", cx=str(x), cy=str(y), r="6"),
            element("path", class_="X", d=f"M{x - 3} {y - 3}l6 6m0 -6l-6 6"),
        )
