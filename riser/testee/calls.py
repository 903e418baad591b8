"""The commands of a probe that use services and resources, and what a connection holds of them from line to line.

call NAME [KEY] [ARG...]           get NAME [KEY] METHOD [ARG...]     item NAME [KEY] [ARG...]
hold NAME [KEY] [VALUE] -> 1, 2 ...    held N    release N    drop N
enter NAME [KEY] TEXT              leave
"""

import contextlib
import hashlib
import os
import pickle
import socket
import stat
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from riser.handle import ReleasedError
from riser.services.errors import ServiceDied, ServiceTimeout, StaleReference, UnknownServiceError
from riser.services.limits import time_limit
from riser.testee.kinds import AskedError, raise_as_asked
from riser.testee.pools import Pools

COMMANDS = frozenset(
    {
        "block",
        "call",
        "count",
        "drop",
        "enter",
        "fork",
        "get",
        "held",
        "hold",
        "item",
        "large",
        "leave",
        "limit",
        "refs",
    }
    | {"release", "sockets", "stranger"}
)

_WORDS: dict[type[Exception], str] = {
    UnknownServiceError: "unknown",
    ServiceDied: "died",
    ServiceTimeout: "timeout",
    StaleReference: "stale",
    ReleasedError: "released",
}
"""What the contract calls an error; every other one goes by the name of its class."""

_STRANGE_BYTES = 4096
_STRANGER_SECONDS = 30.0


class Caller:
    """What one connection calls and holds."""

    commands = frozenset(
        {"block", "call", "count", "drop", "enter", "fork", "get", "held", "hold", "item", "large", "leave", "limit"}
        | {"refs", "release", "sockets", "stranger"}
    )

    def __init__(self, pools: Pools) -> None:
        self._pools = pools
        self._held: list[Any] = []
        self._entered: tuple[Any, AbstractContextManager[Any]] | None = None

    def answer(self, name: str, argument: str) -> str:
        """The answer to one of `commands`; raises ValueError for arguments that cannot be used."""
        try:
            result = self._carry_out(name, argument.split())
            shown = result.tell() if hasattr(result, "tell") else result
        except ValueError:
            raise
        except IndexError:
            raise ValueError(f"{name} needs more than that") from None
        except Exception as error:  # noqa: BLE001 - whatever was raised is the answer
            return f"error {_told(error)}"
        return "ok" if shown is None else f"ok {shown}"

    def close(self) -> None:
        """Give up what is held, as the connection ends."""
        with contextlib.suppress(Exception):
            self._leave()
        for number in range(len(self._held)):
            with contextlib.suppress(Exception):
                self._release(number)
        self._held.clear()

    def _carry_out(self, name: str, words: list[str]) -> Any:  # noqa: C901 - the table of the commands
        match name:
            case "call":
                return self._pools[words[0]].call_service(*words)
            case "item":
                return self._pools[words[0]][tuple(words) if len(words) > 1 else words[0]]
            case "get":
                front, (method, *arguments) = self._front(words)
                return getattr(front, method)(*arguments)
            case "hold":
                return self._hold(words)
            case "held":
                return self._held[int(words[0]) - 1]
            case "release":
                return self._release(int(words[0]) - 1)
            case "drop":
                self._held[int(words[0]) - 1] = None
                return None
            case "count":
                with self._pools[words[0]].call_service(*words) as shared:
                    return shared.add()
            case "refs":
                front, _ = self._front(words)
                return front.ref_count(*words[1:])
            case "block":
                return self._block(words)
            case "enter":
                return self._enter(words)
            case "leave":
                return self._leave()
            case "fork":
                return self._fork(words)
            case "large":
                return self._large(words)
            case "limit":
                with time_limit(float(words[0])):
                    return self._carry_out(words[1], words[2:])
            case "sockets":
                return _sockets()
            case "stranger":
                return _visit_as_a_stranger()
            case _:
                raise ValueError(f"unknown command {name}")

    def _front(self, words: Sequence[str]) -> tuple[Any, list[str]]:
        """The service of the first word, got with its key if it takes one, and the words that are left."""
        name, *rest = words
        if not self._pools.is_keyed(name):
            return self._pools[name].get_service(name), rest
        return self._pools[name].get_service(name, rest[0]), rest[1:]

    def _hold(self, words: Sequence[str]) -> Any:
        front, rest = self._front(words)
        held = front.make(rest[0]) if rest else self._pools[words[0]].call_service(*words)
        self._held.append(held)
        return held

    def _release(self, number: int) -> None:
        held = self._held[number]
        if hasattr(held, "release"):
            held.release()

    def _block(self, words: Sequence[str]) -> str:
        front, rest = self._front(words)
        numbers: list[int] = []
        processes: set[int] = set()

        def block(number: int) -> None:
            processes.add(os.getpid())
            numbers.append(number)

        front.each(int(rest[0]), block)
        return f"{' '.join(map(str, processes))} {len(numbers)}"

    def _enter(self, words: Sequence[str]) -> None:
        front, rest = self._front(words)
        context = front.transaction()
        page = context.__enter__()
        self._entered = (front, context)
        page.write(rest[0])

    def _leave(self) -> object:
        if self._entered is None:
            raise ValueError("nothing has been entered")
        (front, context), self._entered = self._entered, None
        context.__exit__(None, None, None)
        return front.threads()

    def _fork(self, words: Sequence[str]) -> str:
        front, rest = self._front(words)
        count = int(rest[0])
        held = front.make("held")
        told, telling = os.pipe()
        if (child := _fork()) == 0:
            try:
                os.write(telling, str(_right_answers(front, held, count, "child")).encode())
            except Exception as error:  # noqa: BLE001 - whatever it is, the scenario is to see it
                os.write(telling, _told(error).encode())
            finally:
                os._exit(0)
        os.close(telling)
        right = _right_answers(front, held, count, "parent")
        with open(told, "rb") as answer:  # noqa: PTH123 - it has no path
            others = answer.read().decode()
        os.waitpid(child, 0)
        return f"{right} {others}"

    def _large(self, words: Sequence[str]) -> str:
        name, *key, count = words
        data = bytes(range(256)) * (int(count) // 256 + 1)
        came = self._pools[name].call_service(name, *key, data[: int(count)])
        return hashlib.sha256(came).hexdigest()


def _told(error: Exception) -> str:
    text = " ".join(str(error).split())
    if type(error) is AskedError:
        trace = "".join(traceback.format_exception(error))
        return f"raised {text} {'traced' if raise_as_asked.__name__ in trace else 'untraced'}"
    return f"{_WORDS.get(type(error), type(error).__name__)} {text}"


def _fork() -> int:
    with warnings.catch_warnings():
        # That there are other threads is the very thing that is tried here.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _right_answers(front: Any, held: Any, count: int, who: str) -> int:
    """How many of so many calls were answered rightly, by the reference from before the fork and by another one."""
    other = front.make(who)
    texts = [f"{who}-{number}" for number in range(count)]
    return sum(held.say(text) == f"{text} held" and other.say(text) == f"{text} {who}" for text in texts)


def _service_sockets() -> Iterator[Path]:
    """Every socket below the directory for temporary files, which the scenario has set by TMPDIR."""
    return (path for path in Path(tempfile.gettempdir()).rglob("*") if path.is_socket())


def _sockets() -> str:
    modes = [stat.S_IMODE(path.stat().st_mode) for path in _service_sockets()]
    loosest = 0
    for mode in modes:
        loosest |= mode
    return f"{len(modes)} {loosest:04o}"


class _Command:
    """A value whose unpickling runs a command."""

    def __init__(self, command: str) -> None:
        self._command = command

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (self._command,)


def _visit_as_a_stranger() -> int:
    """Send each service socket a pickle that makes the file `harmed`, and noise; how many hung up on that."""
    harmed = Path(tempfile.gettempdir()) / "harmed"
    pickled = pickle.dumps(_Command(f"touch '{harmed}'"))
    count = 0
    for path in _service_sockets():
        with socket.socket(socket.AF_UNIX) as stranger:
            stranger.settimeout(_STRANGER_SECONDS)
            stranger.connect(str(path))
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                stranger.sendall(pickled.ljust(_STRANGE_BYTES, b"\xff"))
            with contextlib.suppress(ConnectionResetError):
                while stranger.recv(_STRANGE_BYTES):
                    pass
        count += 1
    return count
