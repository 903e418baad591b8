"""The conversation of `harness record`: what is typed goes to the daemon, what comes is shown, and both are noted."""

from __future__ import annotations

import asyncio
import signal
import time
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from harness.cli.keyboard import Keyboard
from harness.cli.transcript import Done, Entry, Exchange, HungUp
from harness.engine.actors.client import ClientActor
from harness.engine.actors.connection import Ended, Received
from harness.engine.actors.lines import LineEnd
from harness.engine.actors.started import StartedActor
from harness.engine.lookup import UnpublishedError, spell
from harness.engine.verdicts import StepErroredError, StepFailedError
from harness.engine.waits import Limit
from harness.model.steps import Closing, End
from harness.report.text import printable

if TYPE_CHECKING:
    from pathlib import Path

    from harness.engine.world import World
    from harness.model.outcome import Failure
    from harness.model.steps import Step

HELP = """\
  !signal NAME  send it a signal (HUP, TERM, ...)
  !close        end the connection
  !connect      open another
  !end          end the recording, as the end of the input (Ctrl-D) does
  !!text        send the line "!text"
"""
_ANSWER = 2.0
"""Seconds that a line or signal from a pipe is given to be answered before the next; a person sees what has come."""
_CONNECT = 5.0
_PUBLISHED = ("address", "port", "server", "pid", "directory")
"""What may stand in an answer and differs from run to run, the longest first."""


class Conversation:
    """A spectator that talks at the end of an item whose steps have started `who` and connected `c`."""

    def __init__(self, keyboard: IO[str], screen: IO[str], who: str, *, file: Path) -> None:
        self._keyboard = Keyboard(keyboard)
        self._is_person = keyboard.isatty()
        self._margin = "\r" if self._is_person else ""
        self._screen = screen
        self._who = who
        self._file = file
        self._is_deaf = False
        """Whether nothing that comes on this connection can be noted any more."""
        self._expected_until = 0.0
        """How long something may still come of what was done last, by the monotonic clock."""
        self._is_end_expected = False
        """Whether that is the end of the daemon, and not a line."""
        self._has_ended = False
        self.entries: list[Entry] = []
        self.values: dict[str, str] = {}
        self.failure: Failure | None = None
        self.has_begun = False

    async def before(self, step: Step, world: World) -> None:
        """Nothing: the steps only lead up to the conversation."""

    async def at_end(self, failure: Failure | None, world: World) -> None:
        """Talk until the input ends."""
        if failure is not None:
            self.failure = failure
            return
        self.has_begun = True
        client, daemon = world.actors["c"], world.actors[self._who]
        assert isinstance(client, ClientActor)
        assert isinstance(daemon, StartedActor)
        self._client, self._daemon = client, daemon
        self._world = world
        self._remember_values()
        where, pid = self._client.endpoint, self._daemon.published("pid")
        self._say(f"recording {self._file}: {self._who} is at {where}, process {pid}; !help says more, Ctrl-D ends\n")
        await self._talk()

    async def _talk(self) -> None:
        typed: asyncio.Task[str | None] | None = None
        try:
            while True:
                self._take_in()
                if typed is None:
                    self._prompt()
                    typed = asyncio.create_task(self._keyboard.line())
                left = 0.0 if self._is_person else self._expected_until - time.monotonic()
                if typed.done() and left <= 0:
                    line, typed = typed.result(), None
                    if line is None or line == "!end":
                        return
                    await self._obey(line)
                    continue
                waiting = {self._world.timeline.pulse.next()} | (set() if left > 0 else {typed})
                timeout = left if left > 0 else None
                await asyncio.wait(waiting, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if typed is not None:
                typed.cancel()

    def _take_in(self) -> None:
        """Show and note what has come since."""
        with suppress(StepErroredError):
            connection = self._client.connection
            while not self._is_deaf and (came := connection.next()) is not None:
                self._hear(came)
                if not self._is_end_expected:
                    self._expected_until = 0.0
        ending = self._daemon.ending
        if ending is not None and not self._has_ended:
            self._has_ended = True
            self._expected_until = 0.0
            how = f"status: {ending.status}" if ending.signal is None else f"signal: {ending.signal}"
            self._note(Done(f"exit: {{of: {self._who}, {how}}}"), f"{self._who} {ending}")

    def _hear(self, came: Received | Ended) -> None:
        if isinstance(came, Ended):
            self._is_deaf = True
            # How the connections of a daemon end that was sent a signal is often chance.
            how = came.how if came.how in (End.CLOSED, End.RESET) and not self._is_end_expected else End.ANY
            self._note(HungUp(how), f"the connection was {came}")
            return
        if came.line.end is not LineEnd.NEWLINE:
            self._is_deaf = True
            self._say(f"{self._margin}* not noted, for it is no whole line: {printable(came.line.text)}\n")
            return
        text = came.line.text
        self._say(f"{self._margin}< {printable(text)}\n")
        match self.entries[-1] if self.entries else None:
            case Exchange(str(sent), None):
                self.entries[-1] = Exchange(sent, text)
            case _:
                self.entries.append(Exchange(None, text))

    async def _obey(self, line: str) -> None:
        match line.split() if line.startswith("!") and not line.startswith("!!") else None:
            case None:
                self._send(line[1:] if line.startswith("!!") else line)
            case ["!signal", name]:
                self._signal(name.upper().removeprefix("SIG"))
            case ["!close"]:
                self._close()
            case ["!connect"]:
                await self._connect()
            case _:
                self._say(HELP)

    def _send(self, line: str) -> None:
        try:
            connection = self._client.connection
        except StepErroredError:
            self._complain("there is no connection: !connect opens one")
            return
        if connection.ended is not None:
            self._complain("the connection has ended: !connect opens another")
            return
        if not self._is_person:
            self._say(f"> {printable(line)}\n")
        connection.send(f"{line}\n".encode())
        self.entries.append(Exchange(line, None))
        self._expect(end=False)

    def _signal(self, name: str) -> None:
        number = signal.Signals.__members__.get(f"SIG{name}")
        if number is None:
            self._complain(f"there is no signal {name}")
        elif not self._daemon.signal(number):
            self._complain(f"{self._who} does not run any more")
        else:
            self._note(Done(f"signal: {{to: {self._who}, signal: {name}}}"), f"{name} to {self._who}")
            self._expect(end=True)

    def _expect(self, *, end: bool) -> None:
        self._is_end_expected = end
        self._expected_until = time.monotonic() + _ANSWER * self._world.settings.time_scale

    def _close(self) -> None:
        try:
            self._client.connection.close(Closing.ALL)
        except StepErroredError:
            self._complain("there is no connection")
            return
        self._client.forget()
        self._note(Done("close: c"), "the connection is closed")

    async def _connect(self) -> None:
        limit = Limit(_CONNECT, self._world.settings.time_scale)
        try:
            await self._client.connect(self._client.endpoint, limit)
        except (OSError, StepFailedError, StepErroredError) as error:
            self._complain(f"no connection: {error}")
            return
        self._is_deaf = False
        self._note(Done("connect: c"), "connected")

    def _remember_values(self) -> None:
        for name in _PUBLISHED:
            with suppress(UnpublishedError, StepFailedError, StepErroredError):
                value = spell(self._daemon.published(name))
                if len(value) > 1 and value not in self.values.values():
                    self.values[f"{self._who}.{name}"] = value

    def _note(self, entry: Done | HungUp, said: str) -> None:
        self.entries.append(entry)
        self._say(f"{self._margin}* {printable(said)}\n")

    def _complain(self, said: str) -> None:
        self._say(f"{self._margin}* not done: {printable(said)}\n")

    def _prompt(self) -> None:
        if self._is_person:
            self._say("> ")

    def _say(self, text: str) -> None:
        self._screen.write(text)
        self._screen.flush()
