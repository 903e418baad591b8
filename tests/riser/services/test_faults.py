"""An exception arrives as what it was, with where it comes from; what cannot travel is told of."""

import builtins
from collections.abc import Iterator
from typing import Any

import pytest

from riser.services.courier import Courier, home
from riser.services.errors import RemoteError, RemoteTraceback, ServiceDied
from riser.services.faults import Fault, error_of, fault_of
from riser.services.frames import Wire

from .conftest import Odd
from .pairs import PAIRS


class Ticket:
    """Stays where it is."""


class Post(Courier):
    def refer(self, thing: Any) -> Any:
        return (home, (7,)) if isinstance(thing, Ticket) else NotImplemented

    def meet_home(self, target: int) -> object:
        return f"ticket {target}"


@pytest.fixture
def courier() -> Iterator[Courier]:
    with PAIRS["unix"]() as (sock, _):
        yield Post(Wire(sock, limit=1 << 20))


def raised(error: BaseException) -> BaseException:
    """The exception with a traceback, as one has that was raised."""

    def fail() -> None:
        raise error

    try:
        fail()
    except BaseException as caught:  # noqa: BLE001 - whatever it is
        return caught
    raise AssertionError("nothing was raised")


def carried(error: BaseException, courier: Courier) -> Exception:
    """The exception, at the other end."""
    return error_of(fault_of(raised(error), courier), courier)


class Detailed(Exception):  # noqa: N818 - a name for tests
    pass


class Turncoat(Exception):  # noqa: N818 - as above
    """Pickles as something else."""

    def __reduce__(self) -> tuple[Any, ...]:
        return ValueError, ("not me",)


class Mute(Exception):  # noqa: N818 - as above
    def __str__(self) -> str:
        raise RuntimeError("no text")


class Touchy(Exception):  # noqa: N818 - as above
    """Cannot be made where it arrives, which nobody knows before since it has a reference in it."""

    def __setstate__(self, state: Any) -> None:
        raise RuntimeError("not here")


# What it is


@pytest.mark.parametrize(
    "kind",
    [
        kind
        for kind in vars(builtins).values()
        if isinstance(kind, type)
        and issubclass(kind, Exception)
        and not issubclass(kind, UnicodeError | SyntaxError | BaseExceptionGroup)
    ],
)
def test_every_exception_of_python_keeps_its_type_and_its_arguments(courier: Courier, kind: type[Exception]) -> None:
    error = carried(kind("one", 2), courier)
    assert (type(error), error.args) == (kind, ("one", 2))


def test_those_that_want_certain_arguments_do_too(courier: Courier) -> None:
    error = carried(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), courier)
    assert isinstance(error, UnicodeDecodeError)
    assert (error.object, error.reason) == (b"\xff", "bad")
    syntax = carried(SyntaxError("bad", ("file", 1, 2, "text")), courier)
    assert isinstance(syntax, SyntaxError)
    assert (syntax.filename, syntax.lineno) == ("file", 1)
    group = carried(ExceptionGroup("both", [KeyError(1), ValueError(2)]), courier)
    assert isinstance(group, ExceptionGroup)
    assert [type(part) for part in group.exceptions] == [KeyError, ValueError]


def test_attributes_arrive(courier: Courier) -> None:
    error = Detailed("text")
    error.detail = [1, 2]  # type: ignore[attr-defined]  # as exceptions are given some
    got: Any = carried(error, courier)
    assert (got.args, got.detail) == (("text",), [1, 2])


def test_one_that_hands_on_other_arguments_than_it_wants_is_made_past_its_init(courier: Courier) -> None:
    error = carried(Odd(count=3), courier)
    assert isinstance(error, Odd)
    assert (error.count, str(error)) == (3, "odd 3")


def test_one_that_pickles_as_something_else_arrives_as_itself(courier: Courier) -> None:
    assert type(carried(Turncoat("me"), courier)) is Turncoat


def test_a_reference_in_it_is_one_there(courier: Courier) -> None:
    assert carried(Detailed(Ticket()), courier).args == ("ticket 7",)


def test_risers_own_keep_their_fields(courier: Courier) -> None:
    error = carried(ServiceDied("service process 1", "end"), courier)
    assert isinstance(error, ServiceDied)
    assert (error.process, error.reason) == ("service process 1", "end")


# What cannot travel


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit("end")])
def test_what_would_end_the_caller_is_told_of(courier: Courier, error: BaseException) -> None:
    got = carried(error, courier)
    assert isinstance(got, RemoteError)
    assert (got.kind, got.message) == (type(error).__name__, str(error))


def test_one_of_a_class_that_cannot_be_found_is_told_of(courier: Courier) -> None:
    class Local(Exception):  # noqa: N818 - as above
        pass

    got = carried(Local("text"), courier)
    assert isinstance(got, RemoteError)
    assert (got.kind, got.message) == (f"{__name__}.{Local.__qualname__}", "text")


def test_one_with_something_in_it_that_cannot_travel_is_told_of(courier: Courier) -> None:
    got = carried(Detailed("text", lambda: None), courier)
    assert isinstance(got, RemoteError)
    assert got.kind == f"{__name__}.Detailed"


def test_one_that_fails_where_it_arrives_is_told_of(courier: Courier) -> None:
    error = Touchy("text")
    error.ticket = Ticket()  # type: ignore[attr-defined]  # as above
    got = carried(error, courier)
    assert isinstance(got, RemoteError)
    assert (got.kind, got.message) == (f"{__name__}.Touchy", "text")


def test_one_that_has_no_text_is_told_of_all_the_same(courier: Courier) -> None:
    fault = fault_of(raised(Mute()), courier)
    assert fault.text == "(its text cannot be had)"
    assert "Mute" in fault.trace


def test_what_is_no_exception_is_not_raised(courier: Courier) -> None:
    _, frozen = courier.freeze("a text")
    got = error_of(Fault(frozen, "ValueError", "told", "trace", None), courier)
    assert isinstance(got, RemoteError)
    assert str(got) == "ValueError: told"


# Where it comes from


class Failing:
    def __reduce__(self) -> tuple[Any, ...]:
        raise ValueError("here")


def fail() -> None:
    raise ValueError("here")


def test_its_cause_is_the_traceback_of_the_process_that_raised_it(courier: Courier) -> None:
    with pytest.raises(ValueError, match="here") as caught:
        fail()
    cause = error_of(fault_of(caught.value, courier), courier).__cause__
    assert isinstance(cause, RemoteTraceback)
    assert "in fail\n" in cause.text
    assert str(cause).startswith("in another process:\n\nTraceback (most recent call last):\n")


def test_what_it_was_raised_from_is_in_the_traceback(courier: Courier) -> None:
    error = KeyError("outer")
    error.__cause__ = raised(ValueError("here"))
    trace = fault_of(raised(error), courier).trace
    assert "direct cause" in trace
    assert trace.index("ValueError: here") < trace.index("KeyError: 'outer'")


def test_the_traceback_begins_at_the_users_code(courier: Courier) -> None:
    with pytest.raises(ValueError, match="here") as caught:
        courier.pack(Failing())
    assert "courier.py" in fault_of(caught.value, courier).trace
    # Without the frame of this test riser's own come first, as they do where a session calls a service.
    caught.value.__traceback__ = caught.tb.tb_next
    trace = fault_of(caught.value, courier).trace
    assert "courier.py" not in trace
    assert "in __reduce__\n" in trace


def test_its_number_comes_along(courier: Courier) -> None:
    assert [fault_of(ValueError(), courier, origin=number).origin for number in (None, 0, 5)] == [None, 0, 5]


def test_the_names_of_pythons_own_are_short(courier: Courier) -> None:
    assert [fault_of(error, courier).kind for error in (ValueError(), Detailed())] == [
        "ValueError",
        f"{__name__}.Detailed",
    ]


def test_a_fault_that_is_too_large_is_shortened_to_what_says_most(courier: Courier) -> None:
    short = fault_of(raised(ValueError("begin" + "x" * 1000)), courier, origin=3).shortened()
    assert (short.frozen, short.kind, short.origin) == (None, "ValueError", 3)
    assert (len(short.text), len(short.trace)) == (200, 200)
    assert short.text.startswith("begin")
    assert short.trace.endswith("x\n")
    assert isinstance(error_of(short, courier), RemoteError)
