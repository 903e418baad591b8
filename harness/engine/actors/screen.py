"""What a terminal shows, as a stream that steps search: pexpect, on a descriptor that the event loop reads.

    Program reads  -->  feed  -->  pexpect's buffer  --search-->  Shown, and what came before it is passed over

pexpect waits by itself when it is asked to, in `select` or in `sleep`. Here it is asked only for what is there: its
reads give what has been fed, and time out at once when that is all. Whoever waits looks again when something comes.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pexpect import EOF, TIMEOUT
from pexpect.fdpexpect import fdspawn

_MOST_UNREAD = 1024 * 1024
"""Characters that are kept for steps to come."""
_NEWLINE = re.compile("\r?\n")


@dataclass(frozen=True, slots=True)
class Shown:
    """What was found; `group` is the first group of the pattern, where it has one that took part."""

    text: str
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Over:
    """Nothing more will be shown; `unread` is what came before that and was not looked for."""

    unread: str


if TYPE_CHECKING:
    _Spawn = fdspawn[str]
else:
    _Spawn = fdspawn


class Screen(_Spawn):
    """The stream of one run of a program in a terminal."""

    def __init__(self, descriptor: int) -> None:
        # One bound on time: that of the step which looks.
        super().__init__(descriptor, timeout=None, encoding="utf-8", codec_errors="backslashreplace")
        self.delayafterread = None
        self.changes = 0
        """How many times something has been shown: who has looked in vain need not look again before the next."""
        self.lost = 0
        """Characters that have come while a megabyte was unread, and that no step will see."""
        self._utf8 = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        self._fed = ""
        self._held = 0
        """Characters in pexpect's own buffer, at most."""
        self.is_over = False
        """Whether nothing more will be shown."""

    @property
    def unread(self) -> str:
        """What has been shown since the last thing that was found."""
        before = self.before if isinstance(self.before, str) and self.after is TIMEOUT else self.buffer
        return before + self._fed

    def feed(self, data: bytes) -> None:
        """Take in what was shown."""
        text = self._utf8.decode(data)
        room = max(0, _MOST_UNREAD - self._held - len(self._fed))
        self.lost += max(0, len(text) - room)
        self._fed += text[:room]
        self.changes += 1

    def find(self, what: str | re.Pattern[str]) -> Shown | Over | None:
        """The first place of a text or pattern in what is unread; None while it is not there and still may come."""
        found = self._search(what)
        if found is None or isinstance(found, Over):
            return found
        text = self.after
        assert isinstance(text, str)
        groups = self.match.groups() if isinstance(self.match, re.Match) else ()
        return Shown(text, groups[0] if groups else None)

    def next_line(self) -> Shown | Over | None:
        """The next line, without its end; None while it is not whole."""
        found = self._search(_NEWLINE)
        return Shown(self.before or "") if isinstance(found, Shown) else found

    def read_nonblocking(self, size: int = 1, timeout: float | None = -1) -> str:
        """What has been fed; pexpect's own way to ask for more."""
        del size, timeout
        if self._fed:
            fed, self._fed = self._fed, ""
            self._held += len(fed)
            return fed
        if self.is_over:
            self.flag_eof = True
            raise EOF("no program has the terminal open any more")
        raise TIMEOUT("nothing else has been shown yet")

    def _search(self, what: str | re.Pattern[str]) -> Shown | Over | None:
        if isinstance(what, str):
            index = self.expect_exact([what, EOF, TIMEOUT], timeout=None)
        else:
            index = self.expect([what, EOF, TIMEOUT], timeout=None)
        match index:
            case 0:
                self._held = len(self.buffer)
                return Shown("")
            case 1:
                self._held = 0
                return Over(self.before or "")
            case _:
                return None
