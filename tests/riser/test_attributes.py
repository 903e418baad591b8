"""A server has the attributes that it has: a misspelt one is told where it stands (`server.attributes.bad`)."""

import weakref

import pytest

from riser.core.config import ServerConfig
from riser.errors import ConfigError
from riser.server import SocketServer


def test_every_attribute_can_be_assigned() -> None:
    server = SocketServer()
    for name in ServerConfig.__match_args__:
        setattr(server, name, getattr(server, name))


def test_a_misspelt_attribute_is_refused_with_the_one_that_was_meant() -> None:
    server = SocketServer()
    with pytest.raises(ConfigError, match=r"^thread_nun: .*an attribute of the server \(perhaps thread_num\), got 8$"):
        server.thread_nun = 8  # type: ignore[attr-defined]  # the mistake that this is about


def test_an_attribute_like_no_other_is_refused_without_a_guess() -> None:
    server = SocketServer()
    with pytest.raises(ConfigError, match=r"^colour: expected an attribute of the server, got 'red'$"):
        server.colour = "red"  # type: ignore[attr-defined]  # as above


def test_a_callback_is_registered_and_not_assigned() -> None:
    server = SocketServer()
    with pytest.raises(ConfigError, match=r"^dispatch: expected a call, server\.dispatch\(\.\.\.\), and no assignment"):
        server.dispatch = print  # type: ignore[method-assign,assignment]  # as above


def test_a_subclass_has_attributes_of_its_own() -> None:
    class Counting(SocketServer):
        def __init__(self) -> None:
            super().__init__()
            self.count = 0

    server = Counting()
    server.count += 1
    assert server.count == 1


def test_a_server_can_be_referred_to_weakly() -> None:
    server = SocketServer()
    assert weakref.ref(server)() is server
