"""HTTP responses are read as they are meant, whatever pieces they come in, and what is none is told."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.engine.actors.response import MalformedResponseError, Response, read_response

SHORT = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nA: b\r\na:  c \r\n\r\nabc"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nLast: one\r\n\r\n"


def read(data: bytes, *, method: str = "GET", version: str = "1.1", is_over: bool = False) -> Response:
    found = read_response(data, method=method, version=version, is_over=is_over)
    assert found is not None
    return found


@pytest.mark.parametrize(("whole", "body"), [(SHORT, "abc"), (CHUNKED, "abcde")])
def test_a_response_ends_where_it_says_and_not_before(whole: bytes, body: str) -> None:
    for cut in range(len(whole)):
        assert read_response(whole[:cut], method="GET", version="1.1", is_over=False) is None, whole[:cut]
    found = read(whole + b"more")
    assert (found.text, found.size, found.is_kept) == (body, len(whole), True)


def test_fields_of_one_name_are_one_list() -> None:
    assert read(SHORT).fields == {"content-length": "3", "a": "b, c"}


def test_a_body_without_a_length_ends_with_the_connection() -> None:
    data = b"HTTP/1.1 200 OK\n\nall of it"
    assert read_response(data, method="GET", version="1.1", is_over=False) is None
    found = read(data, is_over=True)
    assert (found.text, found.is_kept) == ("all of it", False)


@pytest.mark.parametrize(
    ("head", "method"), [("200 OK\r\nContent-Length: 9", "HEAD"), ("204 No Content", "GET"), ("304 Same", "GET")]
)
def test_some_responses_have_no_body(head: str, method: str) -> None:
    assert read(f"HTTP/1.1 {head}\r\n\r\n".encode(), method=method).body == b""


def test_interim_responses_are_passed_over() -> None:
    assert read(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + SHORT).status == 200


@pytest.mark.parametrize(
    ("answer", "asked", "field", "is_kept"),
    [
        ("1.1", "1.1", "A: b", True),
        ("1.1", "1.1", "Connection: Close", False),
        ("1.0", "1.1", "A: b", False),
        ("1.0", "1.0", "Connection: keep-alive", True),
        ("1.1", "1.0", "A: b", False),
    ],
)
def test_the_versions_and_the_connection_field_say_whether_it_is_kept(
    answer: str, asked: str, field: str, *, is_kept: bool
) -> None:
    data = f"HTTP/{answer} 200 OK\r\nContent-Length: 0\r\n{field}\r\n\r\n".encode()
    assert read(data, version=asked).is_kept is is_kept


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"nonsense", "'nonsense' is no status line"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", "'HTTP/1.1 2000 OK' is no status line"),
        (b"HTTP/1.1 200 OK\r\nno field\r\n\r\n", "'no field\\\\r' is no header field|'no field' is no header field"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "'-1' is no length of a body"),
        (CHUNKED.replace(b"3;a=b", b"x"), "'x\\\\r' is no size of a chunk"),
        (CHUNKED.replace(b"abc", b"abcd"), "a chunk of 3 bytes does not end where it should"),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 20000, "its head has more than 64 KiB"),
    ],
)
def test_what_is_no_response_is_told(data: bytes, message: str) -> None:
    with pytest.raises(MalformedResponseError, match=message):
        read_response(data, method="GET", version="1.1", is_over=False)


@given(st.binary(max_size=200), st.sampled_from([SHORT, CHUNKED]), st.integers(0, 120))
def test_any_bytes_are_read_or_refused(noise: bytes, whole: bytes, cut: int) -> None:
    with suppress(MalformedResponseError):
        found = read_response(whole[:cut] + noise, method="GET", version="1.1", is_over=True)
        assert found is None or found.size <= cut + len(noise)
