"""Services are registered by name and pattern, entered in order and left in reverse, whatever happens."""

import logging
from collections.abc import Callable, Iterator
from contextlib import nullcontext

import pytest

from riser.core.routing import AnyProcess, SingleProcess, StickyProcess
from riser.errors import CallbackError, ConfigError
from riser.services.errors import UnknownServiceError
from riser.services.registry import CallPolicy, Registry, as_lifespan

POLICY = CallPolicy()


def registry_of(*names: str) -> Registry:
    registry = Registry()
    for name in names:
        registry.add(name, SingleProcess, definition=name.upper(), is_made=False, policy=POLICY)
    return registry


def note(log: list[str], what: str) -> Callable[[object], None]:
    return lambda front: log.append(f"{what} {front}")


def fail(_front: object) -> None:
    raise ValueError("no luck")


def test_single_services_are_counted_and_the_others_are_not() -> None:
    registry = Registry()
    for name, pattern in [("a", SingleProcess), ("b", AnyProcess), ("c", StickyProcess), ("d", SingleProcess)]:
        registry.add(name, pattern, definition=None, is_made=False, policy=POLICY)
    assert [service.route for service in registry] == [
        SingleProcess(0),
        AnyProcess(),
        StickyProcess("c"),
        SingleProcess(1),
    ]


def test_an_unknown_name_is_a_key_error_that_names_it() -> None:
    with pytest.raises(UnknownServiceError, match=r"^no service is named 'b'$") as raised:
        registry_of("a")["b"]
    assert isinstance(raised.value, KeyError)


@pytest.mark.parametrize("name", ["a", ""])
def test_a_name_is_given_once_and_not_empty(name: str) -> None:
    with pytest.raises(ConfigError, match="name: expected a name that is not empty and not in use"):
        registry_of("a").add(name, AnyProcess, definition=None, is_made=False, policy=POLICY)


def test_nothing_is_added_after_the_start() -> None:
    registry = registry_of("a")
    registry.is_closed = True
    with pytest.raises(ConfigError, match="name: expected registration before start_server, got 'b'"):
        registry.add("b", AnyProcess, definition=None, is_made=False, policy=POLICY)


def test_a_factory_is_a_callable() -> None:
    with pytest.raises(ConfigError, match="factory: expected a callable"):
        Registry().add("a", AnyProcess, definition=7, is_made=True, policy=POLICY)


def test_fronts_are_what_was_given_or_what_factories_make_each_time() -> None:
    registry = registry_of("a")
    registry.add("b", AnyProcess, definition=list, is_made=True, policy=POLICY)
    first, second = registry.make_fronts(), registry.make_fronts()
    assert first == second == ["A", []]
    assert first[1] is not second[1]


def test_services_are_entered_in_order_and_left_in_reverse() -> None:
    registry, log = registry_of("a", "b"), list[str]()
    for service in registry:
        service.at_fork = note(log, "fork")
        service.preprocess = note(log, "pre")
        service.postprocess = note(log, "post")
    fronts = registry.make_fronts()
    registry.apply_at_fork(fronts)
    with registry.serving(fronts):
        log.append("serving")
    assert log == ["fork A", "fork B", "pre A", "pre B", "serving", "post B", "post A"]


def test_a_lifespan_surrounds_preprocess_and_postprocess() -> None:
    registry, log = registry_of("a"), list[str]()

    def span(front: object) -> Iterator[None]:
        log.append(f"enter {front}")
        yield
        log.append(f"leave {front}")

    service = registry["a"]
    service.lifespan, service.preprocess, service.postprocess = as_lifespan(span), note(log, "pre"), note(log, "post")
    with registry.serving(registry.make_fronts()):
        log.append("serving")
    assert log == ["enter A", "pre A", "serving", "post A", "leave A"]


def test_a_lifespan_is_a_context_manager() -> None:
    registry = registry_of("a")
    registry["a"].lifespan = as_lifespan(lambda _front: 7)
    with pytest.raises(ConfigError, match="lifespan: expected a context manager for service 'a', got 7"):
        registry.serving(["A"]).__enter__()
    registry["a"].lifespan = as_lifespan(nullcontext)
    with registry.serving(["A"]):
        pass


@pytest.mark.parametrize("what", ["preprocess", "lifespan"])
def test_what_was_entered_is_left_when_a_later_service_cannot_be(what: str) -> None:
    registry, log = registry_of("a", "b", "c"), list[str]()
    for service in registry:
        service.postprocess = note(log, "post")
    match what:
        case "preprocess":
            registry["b"].preprocess = fail
        case _:
            registry["b"].lifespan = as_lifespan(fail)
    with pytest.raises(CallbackError, match=f"{what} of service 'b' failed: ValueError: no luck"):
        registry.serving(registry.make_fronts()).__enter__()
    assert log == ["post A"]


def test_every_service_is_left_whatever_the_others_raise(caplog: pytest.LogCaptureFixture) -> None:
    registry, log = registry_of("a", "b", "c"), list[str]()
    for service in registry:
        service.postprocess = note(log, "post")
    registry["b"].postprocess = fail
    with caplog.at_level(logging.ERROR, "riser"), registry.serving(registry.make_fronts()):
        pass
    assert log == ["post C", "post A"]
    assert "postprocess of service 'b' failed" in caplog.text
    assert "no luck" in caplog.text


@pytest.mark.parametrize("what", ["factory", "at_fork"])
def test_what_fails_before_serving_says_which_service_it_was(what: str) -> None:
    registry = registry_of("a")
    registry.add("b", AnyProcess, definition=lambda: int("x"), is_made=what == "factory", policy=POLICY)
    registry["b"].at_fork = fail
    with pytest.raises(CallbackError, match=f"{what} of service 'b' failed: ValueError"):
        registry.apply_at_fork(registry.make_fronts())


@pytest.mark.parametrize(
    ("idempotent", "method", "may"),
    [
        (False, "get", False),
        (True, "get", True),
        (frozenset(["get"]), "get", True),
        (frozenset(["get"]), "put", False),
        (frozenset(["__call__"]), None, True),
        (frozenset(["get"]), None, False),
    ],
)
def test_only_calls_declared_idempotent_may_be_repeated(
    idempotent: "bool | frozenset[str]", method: str | None, *, may: bool
) -> None:
    assert CallPolicy(idempotent=idempotent).may_repeat(method) is may
