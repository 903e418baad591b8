import copy
import pickle

import pytest

from riser.core.record import Record, replace


class Point(Record):
    """A point."""

    x: int
    y: int
    colour: str = "black"


class Other(Record):
    x: int
    y: int
    colour: str = "black"


class Nothing(Record):
    """No fields."""


class Even(Record):
    number: int

    def __post_init__(self) -> None:
        if self.number % 2:
            raise ValueError(self.number)


def test_fields_by_place_by_name_and_by_default() -> None:
    assert Point(1, 2) == Point(x=1, y=2) == Point(1, y=2, colour="black")
    assert (Point(1, 2).x, Point(1, 2, "red").colour) == (1, "red")


@pytest.mark.parametrize(
    ("values", "named", "complaint"),
    [
        ((1,), {}, "Point: the field y is missing"),
        ((1, 2, "red", 4), {}, "Point: too many values for x, y, colour"),
        ((1, 2), {"x": 3}, "Point: too many values for x, y, colour"),
        ((1, 2), {"z": 3}, "Point has no field z"),
    ],
)
def test_other_fields_are_refused(values: tuple[object, ...], named: dict[str, object], complaint: str) -> None:
    with pytest.raises(TypeError, match=complaint):
        Point(*values, **named)  # type: ignore[arg-type]  # that is the point


def test_equal_only_to_its_own_class_and_of_one_hash_then() -> None:
    assert Point(1, 2) != Point(2, 1)
    assert Point(1, 2) != Other(1, 2)
    assert Nothing() == Nothing()
    assert len({Point(1, 2), Point(1, 2), Other(1, 2)}) == 2
    assert bool(Nothing())


def test_nothing_about_it_changes() -> None:
    point = Point(1, 2)
    with pytest.raises(AttributeError, match="x cannot be set"):
        point.x = 3  # type: ignore[misc]  # that is the point
    with pytest.raises(AttributeError, match="x cannot be deleted"):
        del point.x
    assert point == Point(1, 2)


def test_another_with_some_values_changed() -> None:
    assert replace(Point(1, 2), colour="red") == Point(1, 2, "red")
    with pytest.raises(TypeError, match="Point has no field z"):
        replace(Point(1, 2), z=3)


def test_fields_are_checked_whenever_one_is_made() -> None:
    with pytest.raises(ValueError, match="3"):
        Even(3)
    with pytest.raises(ValueError, match="5"):
        replace(Even(4), number=5)


def test_it_is_matched_shown_copied_and_pickled_as_a_dataclass_is() -> None:
    match Point(1, 2):
        case Point(x, y, colour="black"):
            assert (x, y) == (1, 2)
        case _:
            pytest.fail("not matched")
    assert repr(Point(1, 2)) == "Point(x=1, y=2, colour='black')"
    assert copy.deepcopy(Point(1, 2)) == pickle.loads(pickle.dumps(Point(1, 2))) == Point(1, 2)
