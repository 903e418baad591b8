"""Time limits for calls, as a part of the program's text: whatever is called inside of the `with` shares the limit."""

import time
from contextvars import ContextVar, Token
from types import TracebackType
from typing import NamedTuple, Self

from riser.services.config import check_seconds


class Limit(NamedTuple):
    """A monotonic time, and for messages how long that was."""

    deadline: float
    seconds: float


_limit: ContextVar[Limit | None] = ContextVar("riser_time_limit", default=None)


class time_limit:  # noqa: N801 - it reads as the function that it stands for
    """A context manager in which calls of services take at most `seconds` seconds, all together (`service.timeout`).

    Calls that are not answered by then raise `ServiceTimeout`, those that are not begun by then too. Limits nest: the
    nearest end counts. Raises `ConfigError`.
    """

    def __init__(self, seconds: float) -> None:
        check_seconds("seconds", seconds)
        self._seconds = seconds
        self._token: Token[Limit | None] | None = None

    def __enter__(self) -> Self:
        self._token = _limit.set(_nearer(_limit.get(), self._seconds))
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if self._token is not None:
            _limit.reset(self._token)


def limit_of(seconds: float | None) -> Limit | None:
    """The limit of a call that is made now: that of `time_limit`, or this many seconds, whichever ends first."""
    outer = _limit.get()
    return outer if seconds is None else _nearer(outer, seconds)


def _nearer(outer: Limit | None, seconds: float) -> Limit:
    inner = Limit(time.monotonic() + seconds, seconds)
    return inner if outer is None or inner.deadline < outer.deadline else outer
