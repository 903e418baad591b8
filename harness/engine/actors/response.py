"""An HTTP response in a stream of bytes: whether all of it has come, and what it is (RFC 9112, and HTTP/1.0).

`read_response` looks at everything that has come since the request, as often as there is more of it. Interim responses
(1xx) are passed over. A body ends by its length, by its last chunk, or with the connection.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.engine.shown import show_text

LONGEST_HEAD = 64 * 1024
"""Bytes of the longest status line with all its fields."""
_STATUS_LINE = re.compile(rb"HTTP/(\d\.\d) (\d{3})(?: ([^\r\n]*))?")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*", re.DOTALL)
_CHUNK_SIZE = re.compile(rb"([0-9a-fA-F]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n")
_SWITCHING = 101
_BODILESS = (204, 304)


class MalformedResponseError(Exception):
    """What came is no HTTP response; the message is a clause that says why."""


@dataclass(frozen=True, slots=True)
class Response:
    """A whole response; `fields` have their names in lower case, several of one name joined by commas."""

    version: str
    status: int
    reason: str
    fields: dict[str, str]
    body: bytes
    size: int
    """Bytes of the stream up to its end."""
    is_kept: bool
    """Whether the connection may serve another request."""

    @property
    def text(self) -> str:
        """The body as text; bytes that are not UTF-8 stand in it as `\\xff`."""
        return self.body.decode(errors="backslashreplace")


@dataclass(frozen=True, slots=True)
class _Head:
    version: str
    status: int
    reason: str
    fields: dict[str, str]
    end: int

    def lists(self, name: str, word: str) -> bool:
        """Whether the field has the word among its elements."""
        return word in [element.strip().lower() for element in self.fields.get(name, "").split(",")]


def read_response(data: bytes, *, method: str, version: str, is_over: bool) -> Response | None:
    """The response to such a request; None while there is more to come. `is_over`: no more bytes will come.

    Raises MalformedResponseError.
    """
    begin = 0
    while (head := _read_head(data, begin)) is not None:
        if head.status < 200 and head.status != _SWITCHING:
            begin = head.end
            continue
        found = _read_body(data, head, method=method, is_over=is_over)
        if found is None:
            return None
        body, end, has_frame = found
        is_kept = has_frame and not head.lists("connection", "close")
        if "1.0" in (version, head.version):
            is_kept = is_kept and head.lists("connection", "keep-alive")
        return Response(head.version, head.status, head.reason, head.fields, body, end, is_kept)
    return None


def _read_head(data: bytes, begin: int) -> _Head | None:
    end = _HEAD_END.search(data, begin)
    lines = data[begin : len(data) if end is None else end.start()].split(b"\n")
    first = lines[0].removesuffix(b"\r")
    status = _STATUS_LINE.fullmatch(first)
    if status is None and (len(lines) > 1 or end is not None or not b"HTTP/".startswith(first[:5])):
        raise MalformedResponseError(f"{show_text(_decoded(first))} is no status line")
    if end is None or status is None:
        if len(data) - begin > LONGEST_HEAD:
            raise MalformedResponseError(f"its head has more than {LONGEST_HEAD // 1024} KiB")
        return None
    fields: dict[str, str] = {}
    for line in lines[1:]:
        field = _FIELD.fullmatch(line.removesuffix(b"\r"))
        if field is None:
            raise MalformedResponseError(f"{show_text(_decoded(line))} is no header field")
        name, value = _decoded(field[1]).lower(), _decoded(field[2])
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    return _Head(_decoded(status[1]), int(status[2]), _decoded(status[3] or b""), fields, end.end())


def _read_body(data: bytes, head: _Head, *, method: str, is_over: bool) -> tuple[bytes, int, bool] | None:
    """The body, where it ends, and whether that is told by itself; None while there is more to come."""
    if method == "HEAD" or head.status in _BODILESS or head.status == _SWITCHING:
        return b"", head.end, True
    if head.lists("transfer-encoding", "chunked"):
        return _read_chunks(data, head.end)
    length = head.fields.get("content-length")
    if length is None:
        return (data[head.end :], len(data), False) if is_over else None
    if not length.isascii() or not length.isdigit():
        raise MalformedResponseError(f"{show_text(length)} is no length of a body")
    end = head.end + int(length)
    return None if len(data) < end else (data[head.end : end], end, True)


def _read_chunks(data: bytes, position: int) -> tuple[bytes, int, bool] | None:
    chunks: list[bytes] = []
    while True:
        newline = data.find(b"\n", position)
        if newline < 0:
            return None
        size = _CHUNK_SIZE.fullmatch(data, position, newline + 1)
        if size is None:
            raise MalformedResponseError(f"{show_text(_decoded(data[position:newline]))} is no size of a chunk")
        begin, length = newline + 1, int(size[1], 16)
        if length == 0:
            # After the last chunk come fields, often none, and an empty line.
            end = re.compile(rb"\r?\n").match(data, begin) or _HEAD_END.search(data, begin)
            return None if end is None else (b"".join(chunks), end.end(), True)
        end_of_chunk = re.compile(rb"\r?\n").match(data, begin + length)
        if len(data) < begin + length + 2 and end_of_chunk is None:
            return None
        if end_of_chunk is None:
            raise MalformedResponseError(f"a chunk of {length} bytes does not end where it should")
        chunks.append(data[begin : begin + length])
        position = end_of_chunk.end()


def _decoded(data: bytes) -> str:
    return data.decode(errors="backslashreplace")
