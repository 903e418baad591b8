"""Names at run time: what is published under them, and what is said when there is nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.engine.endpoints import Endpoint, TcpEndpoint, UnixEndpoint, parse_endpoint
from harness.engine.lookup import Given, Scope, UnpublishedError, parse_text
from harness.engine.timeline import Mark
from harness.engine.verdicts import StepFailedError
from harness.model.source import Location
from harness.model.values import Name, Plain, Reference

HERE = Location("a.yaml", 3, 7)


class Daemon:
    """Publishes a pid, and an address never."""

    def published(self, name: str) -> object:
        if name == "pid":
            return 4711
        raise UnpublishedError("d has not reported before_start")


@pytest.fixture
def scope() -> Scope:
    scope = Scope({"d": Daemon()}, {"workspace": "/tmp/h"})
    tree = {"server": 2, "children": [3, 4], "all": [1, 2, 3, 4]}
    scope.give("before", Given(Mark(7, 1.5), tree, tree["all"]))
    scope.give("hup", Given(Mark(9, 2.5)))
    return scope


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("workspace", "/tmp/h"),
        ("d.pid", 4711),
        ("before", [1, 2, 3, 4]),
        ("before.server", 2),
        ("before.children.1", 4),
        ("before.at", 1.5),
        ("hup", 2.5),
        ("hup.at", 2.5),
    ],
)
def test_a_name_stands_for_what_is_published_under_it(scope: Scope, path: str, value: object) -> None:
    assert scope.value(Name(tuple(path.split(".")), HERE)) == value


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("d.address", "there is no d.address: d has not reported before_start"),
        ("before.pid", "there is no before.pid: before has no pid"),
        ("before.children.2", "there is no before.children.2: before.children has 2 elements, counted from 0"),
        ("before.children.x", "there is no before.children.x: before.children has 2 elements, counted from 0"),
        ("before.server.0", "there is no before.server.0: before.server is a single value"),
        ("later.at", "there is no later.at: nothing has given later yet"),
    ],
)
def test_what_is_not_there_fails_at_the_place_of_the_name(scope: Scope, path: str, message: str) -> None:
    with pytest.raises(StepFailedError) as caught:
        scope.value(Name(tuple(path.split(".")), HERE))
    assert (caught.value.message, caught.value.location) == (message, HERE)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("${d.pid}", 4711),
        ("pid ${d.pid} in ${workspace}", "pid 4711 in /tmp/h"),
        ("${d.address:-nowhere}", "nowhere"),
        ("${d.address:-}", ""),
        ("$$5 and ${workspace}$$", "$5 and /tmp/h$"),
        ("$${d.pid}", "${d.pid}"),
        ("children ${before.children}", "children 3 4"),
        ("", ""),
        (["${d.pid}", {"in": "${workspace}/x"}, 7, None], [4711, {"in": "/tmp/h/x"}, 7, None]),
    ],
)
def test_plain_data_is_filled_in(scope: Scope, raw: Plain, value: Plain) -> None:
    assert scope.plain(raw, HERE) == value


@given(st.text())
def test_any_text_comes_through_with_its_dollars_doubled(text: str) -> None:
    assert Scope({}).plain(text.replace("$", "$$"), HERE) == text


def test_a_reference_keeps_its_default_only_for_when_there_is_nothing() -> None:
    assert parse_text("${a.b:-c}", HERE).whole == Reference(("a", "b"), HERE, "c")


def test_names_on_top_are_seen_and_what_is_given_later_is_shared(scope: Scope) -> None:
    wider = scope.with_names({"n": 12})
    scope.give("late", Given(Mark(1, 0.5)))
    assert (wider.text(parse_text("${n} ${late}", HERE)), wider.mark(Name(("late",), HERE))) == ("12 0.5", Mark(1, 0.5))


@pytest.mark.parametrize(
    ("text", "endpoint", "spelt"),
    [
        ("127.0.0.1:80", TcpEndpoint("127.0.0.1", 80), "127.0.0.1:80"),
        ("tcp://localhost:0", TcpEndpoint("localhost", 0), "localhost:0"),
        ("[::1]:65535", TcpEndpoint("::1", 65535), "[::1]:65535"),
        ("unix:/tmp/a b", UnixEndpoint("/tmp/a b"), "unix:/tmp/a b"),
        ("unix:///tmp/s", UnixEndpoint("/tmp/s"), "unix:/tmp/s"),
    ],
)
def test_addresses_are_read(text: str, endpoint: Endpoint, spelt: str) -> None:
    assert (parse_endpoint(text), str(endpoint)) == (endpoint, spelt)


@pytest.mark.parametrize("text", ["", "80", "host:", ":80", "host:http", "host:65536", "host:-1", "unix:", "unix://"])
def test_what_is_no_address_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(ValueError, match=r"^the address '"):
        parse_endpoint(text)
