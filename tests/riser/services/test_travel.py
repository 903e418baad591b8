"""What travels by value and what by reference, what a reference offers, and what its proxy looks like."""

import contextlib
import io
import pathlib
import sqlite3
import threading
import types
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import pytest

from riser.services.proxy import ContextProxy, ForeignPlace, GeneratorProxy, Proxy, proxy_class
from riser.services.shape import FUNCTION, Shape, shape_of
from riser.services.travel import ByReference, Travel, as_argument, by_reference, byref, refuse, travel_of


@by_reference
class Marked:
    pass


class MarkedToo(Marked):
    pass


class Entered:
    def __enter__(self) -> None: ...
    def __exit__(self, *error: object) -> None: ...


class PicklesItself(Entered):
    def __reduce__(self) -> tuple[type, tuple[()]]:
        return PicklesItself, ()


@contextlib.contextmanager
def context() -> Iterator[None]:
    yield


async def coroutine() -> None: ...


def how(thing: object) -> Travel:
    kind: type = type(thing)
    return travel_of(kind)


@pytest.mark.parametrize(
    ("thing", "travel"),
    [
        (1, Travel.VALUE),
        ([1], Travel.VALUE),
        (pathlib.Path(), Travel.VALUE),
        (io.StringIO(), Travel.VALUE),
        (io.BytesIO(), Travel.VALUE),
        (memoryview(b""), Travel.VALUE),
        (PicklesItself(), Travel.VALUE),
        (partial(print), Travel.VALUE),
        (Marked(), Travel.REFERENCE),
        (MarkedToo(), Travel.REFERENCE),
        (Entered(), Travel.REFERENCE),
        (threading.Lock(), Travel.REFERENCE),
        (context(), Travel.REFERENCE),
        ((_ for _ in ()), Travel.REFERENCE),
        (byref([1]), Travel.WRAPPED),
        (len, Travel.CODE),
        (context, Travel.CODE),
        (Marked, Travel.CODE),
    ],
    ids=lambda value: type(value).__name__,
)
def test_how_an_object_travels_depends_on_its_class(thing: object, travel: Travel) -> None:
    assert how(thing) is travel


def test_open_files_and_databases_travel_by_reference(tmp_path: pathlib.Path) -> None:
    for mode in ("w", "wb", "w+b"):
        with (tmp_path / "file").open(mode) as file:
            assert how(file) is Travel.REFERENCE
    with (tmp_path / "file").open("rb", buffering=0) as file:
        assert how(file) is Travel.REFERENCE
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        assert how(connection) is Travel.REFERENCE


def test_a_coroutine_is_refused_and_closed() -> None:
    thing = coroutine()
    assert travel_of(types.CoroutineType) is Travel.REFUSED
    assert str(refuse(types.CoroutineType, thing, "sent")) == "a coroutine cannot be sent"


@pytest.mark.parametrize("argument", [len, lambda: None, [].append, partial(print)])
def test_a_callable_argument_is_wrapped(argument: object) -> None:
    wrapped = as_argument(argument)
    assert isinstance(wrapped, ByReference)
    assert wrapped.thing is argument


@pytest.mark.parametrize("argument", [1, int, Marked, [len], byref(len)])
def test_other_arguments_are_left_alone(argument: object) -> None:
    assert as_argument(argument) is argument


class Shown:
    """Has something of each kind."""

    attribute = 1

    def __init__(self) -> None:
        self.own = lambda: 1

    def method(self) -> None: ...

    @classmethod
    def of_class(cls) -> None: ...

    @staticmethod
    def static() -> None: ...

    @property
    def name(self) -> str:
        return ""

    def _private(self) -> None: ...

    def __len__(self) -> int:
        return 0

    def __getattr__(self, name: str) -> None:
        raise AttributeError(name)


@pytest.mark.parametrize(
    ("thing", "shape"),
    [
        (Shown(), Shape("Shown", ("method", "of_class", "static", "own"), ("name",), ("__len__",))),
        (len, FUNCTION),
        (context, FUNCTION),
        (threading.Lock(), None),
        ((_ for _ in ()), None),
    ],
    ids=["object", "builtin", "function", "lock", "generator"],
)
def test_a_shape_is_what_the_class_offers(thing: object, shape: Shape | None) -> None:
    found = shape_of(thing)
    if shape is None:
        assert found.is_generator == isinstance(thing, types.GeneratorType)
        assert found.is_generator or {"__enter__", "__exit__"} <= set(found.operators)
    else:
        assert found == shape


def test_modules_and_classes_offer_their_functions() -> None:
    assert "sqrt" in shape_of(__import__("math")).methods
    shape = shape_of(Shown)
    assert shape.operators == ("__call__",)
    assert {"of_class", "static"} <= set(shape.methods)


class Recorder:
    """A reference that tells what it is asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def __str__(self) -> str:
        return "in a test"

    def call(self, method: str | None, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
        self.asked.append((method, arguments, dict(named)))
        return len(self.asked)

    def read(self, name: str) -> Any:
        return f"the {name}"

    def enter(self) -> Any:
        return "entered"

    def leave(self, error: BaseException | None) -> bool:
        return error is not None

    def drive(self, method: str, arguments: tuple[Any, ...]) -> Any:
        return method, arguments

    def place(self) -> ForeignPlace:
        raise TypeError

    def dropped(self) -> None:
        self.asked.append("dropped")


def proxy_of(shape: Shape) -> tuple[Any, Recorder]:
    recorder = Recorder()
    return proxy_class(shape)(recorder), recorder


def test_a_proxy_asks_its_reference() -> None:
    proxy, recorder = proxy_of(Shape("Kind", ("work",), ("name",), ("__call__", "__len__", "__add__")))
    assert (proxy.work(1, a=2), proxy(3), len(proxy), proxy + 4, proxy.name) == (1, 2, 3, 4, "the name")
    assert recorder.asked == [
        ("work", (1,), {"a": 2}),
        (None, (3,), {}),
        ("__len__", (), {}),
        ("__add__", (4,), {}),
    ]
    assert repr(proxy) == "<proxy of Kind, in a test>"
    del proxy
    assert recorder.asked[-1] == "dropped"


def test_a_proxy_offers_nothing_else() -> None:
    proxy, recorder = proxy_of(Shape("Kind", ("work",)))
    assert not hasattr(proxy, "other")
    assert not callable(proxy)
    with pytest.raises(TypeError):
        len(proxy)
    with pytest.raises(AttributeError):
        proxy.attribute = 1
    assert recorder.asked == []


def test_proxies_of_one_shape_have_one_class_and_are_themselves() -> None:
    (one, _), (other, _) = proxy_of(Shape("Kind")), proxy_of(Shape("Kind"))
    assert type(one) is type(other)
    assert one != other
    assert len({one, other, one}) == 2


def test_a_class_with_its_own_equality_is_asked_for_it() -> None:
    proxy, recorder = proxy_of(Shape("Kind", operators=("__eq__",)))
    assert proxy == 7
    assert recorder.asked == [("__eq__", (7,), {})]
    with pytest.raises(TypeError, match="unhashable"):
        hash(proxy)


def test_a_context_manager_is_entered_and_left_by_its_reference() -> None:
    proxy, _ = proxy_of(Shape("Kind", operators=("__enter__", "__exit__")))
    assert isinstance(proxy, ContextProxy)
    with proxy as entered:
        assert entered == "entered"
    assert proxy.__exit__(ValueError, ValueError(), None)


def test_a_generator_is_driven_by_its_reference() -> None:
    proxy, _ = proxy_of(Shape("generator", is_generator=True))
    assert isinstance(proxy, GeneratorProxy)
    assert iter(proxy) is proxy
    assert next(proxy) == ("__next__", ())
    assert proxy.send(1) == ("send", (1,))
    proxy.close()


def test_shapes_are_told_by_plain_tuples() -> None:
    shape = shape_of(Shown())
    told: tuple[Any, ...] = tuple(shape)
    assert Shape(*told) == shape
    assert issubclass(proxy_class(shape), Proxy)
