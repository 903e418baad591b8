"""Without processes, the same program makes plain calls in its own process."""

import os
from collections.abc import Callable, Iterator

import pytest

from riser.errors import CallbackError, ConfigError
from riser.services.errors import NotStartedError, UnknownServiceError
from riser.services.services import Services


class Count:
    def __init__(self) -> None:
        self.values: dict[str, int] = {}

    def increase(self, user: str) -> int:
        self.values[user] = self.values.get(user, 0) + 1
        return self.values[user]


def fibonacci(n: int) -> int:
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def repeat(times: int, block: Callable[[], object]) -> None:
    for _ in range(times):
        block()


@pytest.fixture
def services() -> Iterator[Services]:
    services = Services(0)
    services.add_any_process_service("fibonacci", fibonacci)
    services.add_single_process_service("count", Count())
    services.add_sticky_process_service("count by user", Count())
    services.add_sticky_process_service("pid", lambda _key: os.getpid())
    services.add_any_process_service("repeat", repeat)
    with services:
        yield services


def test_calls_are_made_in_this_process(services: Services) -> None:
    assert services.call_service("pid", "alice") == os.getpid()
    assert services["pid", "alice"] == os.getpid()


def test_a_callable_service_is_called(services: Services) -> None:
    assert services.call_service("fibonacci", 10) == services["fibonacci", 10] == 55
    assert services.call_service("fibonacci", n=10) == 55


def test_an_object_is_got_and_its_methods_are_called(services: Services) -> None:
    assert [services.get_service("count").increase("alice") for _ in range(3)] == [1, 2, 3]
    assert services["count"].increase("alice") == 4
    assert services["count by user", "alice"].increase("alice") == 1


def test_a_block_is_a_function(services: Services) -> None:
    calls: list[int] = []
    services.call_service("repeat", 3, lambda: calls.append(1))
    assert len(calls) == 3


def test_an_unknown_name_is_a_key_error(services: Services) -> None:
    for use in (services.get_service, services.call_service, services.__getitem__):
        with pytest.raises(UnknownServiceError, match="no service is named 'nobody'"):
            use("nobody")


@pytest.mark.parametrize(
    ("use", "complaint"),
    [
        (lambda services: services.get_service("count by user"), "is got with a key, not with 0 values"),
        (lambda services: services.get_service("count", "alice"), "is got with no key, not with 1 values"),
        (lambda services: services["count", "alice"], "is got with no key, not with 1 values"),
        (lambda services: services["count by user", "a", "b"], "is got with a key, not with 2 values"),
        (lambda services: services.call_service("pid"), "is called with a key as its first argument"),
        (lambda services: services["pid"], "is called with a key as its first argument"),
    ],
)
def test_a_key_is_given_where_it_is_needed_and_nowhere_else(
    services: Services, use: Callable[[Services], object], complaint: str
) -> None:
    with pytest.raises(TypeError, match=complaint):
        use(services)


def test_services_have_types() -> None:
    services = Services(0)
    count = services.single_process("count", factory=Count)
    plain = services.add_single_process_service("plain", Count())

    @services.sticky_process("greet", idempotent=True)
    def greet(name: str, *, twice: bool = False) -> str:
        return f"hello {name}" * (1 + twice)

    with services:
        assert count.get().increase("alice") == 1
        assert plain.get().increase("bob") == 1
        assert greet("bob", twice=True) == "hello bobhello bob"
        assert greet.get("bob")("bob") == "hello bob"
        assert repr(greet) == "<Service 'greet'>"


def test_a_class_is_not_decorated() -> None:
    with pytest.raises(ConfigError, match="count: expected a function; a class is given as factory"):
        Services(0).any_process("count")(Count)


def test_callbacks_surround_the_service_and_at_fork_is_not_called() -> None:
    services, log = Services(0), list[str]()
    services.add_any_process_service("one", 1)

    @services.at_fork("one")
    @services.preprocess("one")
    @services.postprocess("one")
    def note(front: int) -> None:
        log.append(f"{front} {len(log)}")

    @services.lifespan("one")
    def span(_front: int) -> Iterator[None]:
        log.append("enter")
        yield
        log.append("leave")

    with services:
        log.append("serving")
    assert log == ["enter", "1 1", "serving", "1 3", "leave"]


def test_a_failing_preprocess_makes_the_start_fail_and_a_later_start_can_succeed() -> None:
    services, answers = Services(0), iter([ZeroDivisionError("not yet"), None])
    services.add_any_process_service("one", 1)

    @services.preprocess("one")
    def prepare(_front: int) -> None:
        if (error := next(answers)) is not None:
            raise error

    with pytest.raises(CallbackError, match="preprocess of service 'one' failed: ZeroDivisionError: not yet"):
        services.start_server()
    with services:
        assert services.get_service("one") == 1


@pytest.mark.parametrize("callback", ["at_fork", "preprocess", "postprocess", "lifespan"])
def test_callbacks_are_registered_for_services_that_exist_and_before_the_start(callback: str) -> None:
    services = Services(0)
    register = {
        "at_fork": services.at_fork,
        "preprocess": services.preprocess,
        "postprocess": services.postprocess,
        "lifespan": services.lifespan,
    }[callback]
    with pytest.raises(UnknownServiceError, match="'one'"):
        register("one")
    services.add_any_process_service("one", 1)
    with services, pytest.raises(ConfigError, match="registration before start_server"):
        register("one")(print)


def test_use_needs_a_start() -> None:
    services = Services(0)
    services.add_any_process_service("pid", os.getpid)
    with pytest.raises(NotStartedError, match="start_server has to be called before start_client"):
        services.start_client()
    with pytest.raises(NotStartedError, match="the services are not started"):
        services.call_service("pid")
    with services, pytest.raises(NotStartedError, match="started already"):
        services.start_server()
    services.stop_server()
    with pytest.raises(NotStartedError, match="the services are not started"):
        services.get_service("pid")


def test_a_forked_process_cannot_be_a_client_of_what_it_only_has_a_copy_of() -> None:
    services = Services(0)
    services.start_server()
    services._backend._pid += 1  # type: ignore[attr-defined]  # as it is in a child
    with pytest.raises(NotStartedError, match="a server with child processes needs"):
        services.start_client()


@pytest.mark.parametrize(
    "settings",
    [
        {"process_num": -1},
        {"process_num": True},
        {"message_limit_bytes": 10},
        {"connection_limit": 1},
        {"strict": 1},
        {"handshake_timeout_seconds": 0},
        {"start_timeout_seconds": float("inf")},
        {"stop_timeout_seconds": "1"},
        {"drain_seconds": False},
    ],
)
def test_a_bad_setting_is_refused_by_name(settings: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=f"^{next(iter(settings))}: expected"):
        Services(**settings)  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize("seconds", [0, -1, True, "2", float("nan")])
def test_a_bad_time_limit_is_refused(seconds: float) -> None:
    with pytest.raises(ConfigError, match=r"^timeout_seconds: expected a positive number of seconds"):
        Services(0).add_any_process_service("pid", os.getpid, timeout_seconds=seconds)
