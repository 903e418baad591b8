"""Text and mappings become addresses; what cannot is refused with the part at fault."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riser.core.address import Address, TcpAddress, UnixAddress, parse_address
from riser.errors import AddressError


def _service_port(name: str) -> int:
    return {"http": 80}[name]


def _parse(value: object) -> Address:
    return parse_address(value, service_port=_service_port)


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("localhost:5000", TcpAddress("localhost", 5000)),
        ("tcp://localhost:5000", TcpAddress("localhost", 5000)),
        ("127.0.0.1:0", TcpAddress("127.0.0.1", 0)),
        ("[::1]:5000", TcpAddress("::1", 5000)),
        ("tcp://[::1]:5000", TcpAddress("::1", 5000)),
        ("unix:/tmp/socket", UnixAddress("/tmp/socket")),
        ("unix:///tmp/socket", UnixAddress("/tmp/socket")),
        ("unix:relative/socket", UnixAddress("relative/socket")),
        ({"type": "tcp", "host": "localhost", "port": 5000}, TcpAddress("localhost", 5000)),
        ({"type": "tcp", "host": "[::1]", "port": "http", "backlog": 7}, TcpAddress("::1", 80, backlog=7)),
        (
            {"type": "unix", "path": "/s", "backlog": 7, "mode": 0o600, "owner": "root", "group": 0},
            UnixAddress("/s", backlog=7, mode=0o600, owner="root", group=0),
        ),
    ],
)
def test_text_and_mappings_become_addresses(value: object, address: Address) -> None:
    assert _parse(value) == address


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ("", "address"),
        (None, "address"),
        (5000, "address"),
        ("localhost", "port"),
        ("tcp://localhost", "port"),
        ("[::1]", "port"),
        ("localhost:http", "port"),
        ("localhost:٣", "port"),
        ("tcp://", "host"),
        ("::1:5000", "address"),
        ("localhost:", "port"),
        ("localhost:65536", "port"),
        (":5000", "host"),
        ("tcp://:5000", "host"),
        ("http://localhost:80", "scheme"),
        ("unix:", "path"),
        ("unix://", "path"),
        ("unix://host/path", "address"),
        ({}, "type"),
        ({"type": "udp"}, "type"),
        ({"type": "tcp", "port": 80}, "host"),
        ({"type": "tcp", "host": "", "port": 80}, "host"),
        ({"type": "tcp", "host": 1, "port": 80}, "host"),
        ({"type": "tcp", "host": "h"}, "port"),
        ({"type": "tcp", "host": "h", "port": True}, "port"),
        ({"type": "tcp", "host": "h", "port": -1}, "port"),
        ({"type": "tcp", "host": "h", "port": "no such service"}, "port"),
        ({"type": "tcp", "host": "h", "port": 80, "backlog": "many"}, "backlog"),
        ({"type": "tcp", "host": "h", "port": 80, "mode": 0o600}, "mode"),
        ({"type": "unix"}, "path"),
        ({"type": "unix", "path": ""}, "path"),
        ({"type": "unix", "path": "a\0b"}, "path"),
        ({"type": "unix", "path": 5}, "path"),
        ("unix:/\ud800", "path"),
        ({"type": "tcp", "host": "\ud800", "port": 80}, "host"),
        ({"type": "tcp", "host": "h", "port": 80, "backlog": 2**31}, "backlog"),
        ({"type": "unix", "path": "/s", "owner": 2**32 - 1}, "owner"),
        ({"type": "unix", "path": "/s", "owner": "a\0b"}, "owner"),
        ({"type": "unix", "path": "/s", "group": "\ud800"}, "group"),
        ({"type": "unix", "path": "/s", "backlog": 0}, "backlog"),
        ({"type": "unix", "path": "/s", "mode": "0600"}, "mode"),
        ({"type": "unix", "path": "/s", "owner": ""}, "owner"),
        ({"type": "unix", "path": "/s", "owner": 1.5}, "owner"),
        ({"type": "unix", "path": "/s", "group": ""}, "group"),
        ({"type": "unix", "path": "/s", "modus": 0o600}, "modus"),
    ],
)
def test_what_is_no_address_is_refused_with_the_part_at_fault(value: object, part: str) -> None:
    with pytest.raises(AddressError) as caught:
        _parse(value)
    assert caught.value.name == part


def test_a_path_longer_than_the_kernel_takes_is_refused_with_both_lengths() -> None:
    assert _parse("unix:/" + "x" * 106) == UnixAddress("/" + "x" * 106)
    with pytest.raises(AddressError, match=r"at most 107 bytes \(this one has 108\)"):
        _parse("unix:/" + "x" * 107)
    with pytest.raises(AddressError, match="this one has 109"):
        _parse("unix:/" + "é" * 54)


def test_options_do_not_count_for_the_endpoint() -> None:
    assert TcpAddress("h", 1, backlog=5).same_endpoint(TcpAddress("h", 1))
    assert TcpAddress("h", 1, backlog=5) != TcpAddress("h", 1)
    assert not TcpAddress("h", 1).same_endpoint(TcpAddress("h", 2))
    assert UnixAddress("/s", mode=0o600).same_endpoint(UnixAddress("/s", owner=1))
    assert not UnixAddress("/s").same_endpoint(TcpAddress("/s", 1))


@given(st.ip_addresses(), st.integers(0, 65535))
def test_an_address_written_out_reads_as_itself(host: object, port: int) -> None:
    address = TcpAddress(str(host), port)
    assert _parse(str(address)) == address


@given(st.text())
def test_no_text_does_more_than_be_refused(text: str) -> None:
    with contextlib.suppress(AddressError):
        assert isinstance(_parse(text), TcpAddress | UnixAddress)
