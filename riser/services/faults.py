"""Exceptions across processes: they keep their type and arguments, and carry the traceback of where they come from.

An exception whose class cannot make itself again from its arguments is made without asking its `__init__`; what cannot
travel at all (it does not pickle, or would end the caller, as SystemExit) becomes a `RemoteError` with its name. An
exception that only passes through a process on its way home is known there by its origin, and arrives as itself.
"""

import pickle
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from riser.services.courier import Courier
from riser.services.errors import RemoteError, RemoteTraceback
from riser.services.frames import REFERENCES

_SHORT = 200
_HERE = str(Path(__file__).parent)


class Fault(NamedTuple):
    """An exception on its way."""

    frozen: bytes | None
    kind: str
    text: str
    trace: str
    origin: int | None

    def shortened(self) -> "Fault":
        """The same in a few lines, where the whole is too large for a message."""
        return self._replace(frozen=None, text=self.text[:_SHORT], trace=self.trace[-_SHORT:])


def fault_of(error: BaseException, courier: Courier, *, origin: int | None = None) -> Fault:
    """The exception as it travels; `origin` is its number where it comes from, if it is on its way back there."""
    kind = type(error)
    return Fault(
        frozen=_frozen(error, courier) if isinstance(error, Exception) else None,
        kind=kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}",
        text=_text_of(error),
        trace=_trace_of(error),
        origin=origin,
    )


def error_of(fault: Fault, courier: Courier) -> Exception:
    """The exception that has arrived, with its remote traceback as its cause."""
    error = _thawed(fault, courier)
    error.__cause__ = RemoteTraceback(fault.trace)
    return error


def rebuild(kind: type[BaseException], arguments: tuple[Any, ...], state: dict[str, Any]) -> BaseException:
    """An exception made past its `__init__`, which wants other arguments than those it handed on."""
    error = kind.__new__(kind, *arguments)
    error.args = arguments
    error.__dict__.update(state)
    return error


class _Rebuilt:
    """Pickles as an exception that is rebuilt."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __reduce__(self) -> tuple[Any, ...]:
        return rebuild, (type(self._error), self._error.args, self._error.__dict__)


def _frozen(error: Exception, courier: Courier) -> bytes | None:
    for form in (error, _Rebuilt(error)):
        try:
            flags, frozen = courier.freeze(form)
            # What has references can only be loaded at the other end; for the rest it is tried out here.
            if flags & REFERENCES or type(pickle.loads(frozen)) is type(error):  # noqa: S301 - our own bytes
                return frozen
        except Exception:  # noqa: BLE001, S112 - whatever the exception's class does wrong, there is another way
            continue
    return None


def _thawed(fault: Fault, courier: Courier) -> Exception:
    if fault.frozen is not None:
        try:
            error = courier.thaw(fault.frozen)
        except Exception:  # noqa: BLE001 - it was an exception that failed, and is told of as far as it is known
            return RemoteError(fault.kind, fault.text)
        if isinstance(error, Exception):
            return error
    return RemoteError(fault.kind, fault.text)


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a __str__ that fails must not hide the exception
        return "(its text cannot be had)"


def _trace_of(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(type(error), error, _from_user_code(error.__traceback__)))
    except Exception:  # noqa: BLE001 - as above
        return f"{type(error).__qualname__} (its traceback cannot be had)"


def _from_user_code(trace: TracebackType | None) -> TracebackType | None:
    """The traceback from the first frame on that is not riser's own."""
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_HERE):
        trace = trace.tb_next
    return trace
