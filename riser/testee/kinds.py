"""The objects behind the services and resources of the contract, one class a kind.

Except for the holder, which has methods only, they are called; that of a sticky service is given the key first.
"""

import contextlib
import fcntl
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

from riser.services.travel import by_reference
from riser.testee.plans import Kind

_PATIENCE_SECONDS = 60.0
"""How long somebody is waited for who does not come; the scenario has given up by then."""


class AskedError(Exception):
    """Raised because it was asked for; of a class of its own, so that it can be told from all others."""


class Front:
    """What is called; `keyed` says whether the key comes first."""

    def __init__(self, directory: Path, name: str, *, keyed: bool) -> None:
        self._path = directory / name
        self._keyed = keyed

    def __call__(self, *arguments: str) -> object:
        """Answer a call."""
        return self.answer(*arguments) if self._keyed else self.answer("", *arguments)

    def answer(self, key: str, *arguments: str) -> object:
        """Answer a call; `key` is empty where there is none."""
        raise NotImplementedError


class Pid(Front):
    """Says in which process it is."""

    def answer(self, _key: str, *_arguments: str) -> object:
        """The process."""
        return os.getpid()


class Echo(Front):
    """Gives back what it is given."""

    def answer(self, _key: str, *arguments: object) -> object:
        """The last argument."""
        return arguments[-1]


class Sum(Front):
    """Adds."""

    def answer(self, _key: str, *arguments: str) -> object:
        """The sum of whole numbers."""
        return sum(map(int, arguments))


class Counter(Front):
    """Counts, in a file for each key."""

    def answer(self, key: str, *_arguments: str) -> object:
        """The number of this call, from 1 on."""
        with (
            self._path.with_name(f"{self._path.name}-{quote(key, safe='')}").open("a+", encoding="ascii") as file,
            _locked(file.fileno()),
        ):
            file.seek(0)
            number = int(file.read() or 0) + 1
            file.truncate(0)
            file.write(str(number))
            file.flush()
            return number


class Sleep(Front):
    """Takes its time."""

    def answer(self, _key: str, *arguments: str) -> object:
        """The process, after that many seconds."""
        time.sleep(float(arguments[0]))
        return os.getpid()


class Meet(Front):
    """Lets calls go on when enough of them are there at the same time."""

    def __init__(self, directory: Path, name: str, *, keyed: bool) -> None:
        super().__init__(directory, name, keyed=keyed)
        self._change = threading.Condition()
        self._arrived = 0

    def answer(self, _key: str, *arguments: str) -> object:
        """Wait until so many calls have come; the number."""
        with self._change:
            self._arrived += 1
            self._change.notify_all()
        return self.until(arguments[0])

    def until(self, count: str) -> int:
        """Wait until so many calls have come, without being one of them; the number."""
        with self._change:
            self._change.wait_for(lambda: self._arrived >= int(count), _PATIENCE_SECONDS)
            return self._arrived


class Raise(Front):
    """Fails."""

    def answer(self, _key: str, *arguments: str) -> object:
        """Raise `AskedError`."""
        return raise_as_asked(" ".join(arguments))


def raise_as_asked(message: str) -> object:
    """Raise; the name of this function is what a traceback is looked through for."""
    raise AskedError(message)


class Exit(Front):
    """Ends its process."""

    def answer(self, _key: str, *arguments: str) -> object:
        """End at once with this status."""
        os._exit(int(arguments[0]))


@by_reference
class Held:
    """Stays in its process."""

    def __init__(self, value: str) -> None:
        self._value = value

    def tell(self) -> str:
        """In which process this runs, and the value."""
        return f"{os.getpid()} {self._value}"

    def say(self, text: str) -> str:
        """The text, and the value."""
        return f"{text} {self._value}"


class Copied(Held):
    """Travels by value."""

    __riser_by_reference__ = False


@by_reference
class Page:
    """What a transaction is written on; it notes in which threads that is done."""

    def __init__(self, entries: list[str]) -> None:
        self._entries = entries
        self.threads = {threading.get_ident()}

    def write(self, entry: str) -> None:
        """Add an entry."""
        self.threads.add(threading.get_ident())
        self._entries.append(entry)


class Holder:
    """Makes objects that stay, and lets others be entered."""

    def __init__(self, _directory: Path, _name: str, *, keyed: bool) -> None:
        del keyed
        self._change = threading.Condition()
        self._alive = 0
        self._lock = threading.RLock()
        self._entries: list[str] = []
        self._threads = 0

    def tell(self) -> str:
        """In which process this runs."""
        return str(os.getpid())

    def make(self, value: str) -> Held:
        """An object that stays here."""
        held = Held(value)
        with self._change:
            self._alive += 1
        weakref.finalize(held, self._lose)
        return held

    def copy(self, value: str) -> Copied:
        """An object that is copied."""
        return Copied(value)

    def until(self, count: str) -> int:
        """Wait until there are so many objects that stay; how many there are."""
        with self._change:
            self._change.wait_for(lambda: self._alive == int(count), _PATIENCE_SECONDS)
            return self._alive

    def each(self, count: int, block: Callable[[int], object]) -> None:
        """Call the block so many times."""
        for number in range(count):
            block(number)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Page]:
        """One at a time, held by its thread; what it has written is forgotten if it does not end well."""
        with self._lock:
            page = Page(self._entries)
            before = self._entries.copy()
            try:
                yield page
            except BaseException:
                self._entries[:] = before
                raise
            finally:
                page.threads.add(threading.get_ident())
                self._threads = max(self._threads, len(page.threads))

    def entries(self) -> str:
        """What transactions have written."""
        return " ".join(self._entries)

    def threads(self) -> int:
        """The most threads that a transaction ran in."""
        return self._threads

    def _lose(self) -> None:
        with self._change:
            self._alive -= 1
            self._change.notify_all()


class Shared:
    """The object of a resource: a number in a file, which is read once, when the object is made."""

    def __init__(self, path: Path, serial: int, key: str | None) -> None:
        self.key = key
        self._path = path
        self._serial = serial
        self._number = int(path.read_text(encoding="ascii")) if path.exists() else 0
        self._lock = threading.Lock()

    def tell(self) -> str:
        """In which process this runs, and the how many'th object of its resource it is there."""
        return f"{os.getpid()} {self._serial}"

    def add(self) -> int:
        """Count one more; the number."""
        with self._lock:
            self._number += 1
            self._path.write_text(str(self._number), encoding="ascii")
            return self._number


KINDS: dict[Kind, Callable[..., object]] = {
    Kind.PID: Pid,
    Kind.ECHO: Echo,
    Kind.SUM: Sum,
    Kind.COUNTER: Counter,
    Kind.SLEEP: Sleep,
    Kind.MEET: Meet,
    Kind.RAISE: Raise,
    Kind.EXIT: Exit,
    Kind.HOLDER: Holder,
}


@contextlib.contextmanager
def _locked(descriptor: int) -> Iterator[None]:
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
