"""A program in a terminal: what it shows goes to its output, line by line, and to its screen, which steps search."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.engine.actors.process import ProcessActor
from harness.engine.actors.program import Output
from harness.engine.actors.pty import Pty, name_of, set_window
from harness.engine.actors.screen import Screen
from harness.engine.lookup import UnpublishedError
from harness.engine.observe import Ending
from harness.engine.shown import show_text
from harness.engine.verdicts import StepErroredError
from harness.model.fields import Kind
from harness.model.timeline import What

if TYPE_CHECKING:
    from harness.engine.actors.program import Command
    from harness.engine.world import World
    from harness.model.actors import Terminal

_SHOWN = 200
_HANG_UP = (Ending(None, "HUP"), Ending(129, None))


class _Display(Output):
    """An output that is searched as it is shown, prompts without a newline too."""

    def __init__(self, actor: str, world: World) -> None:
        super().__init__(actor, world)
        self.screen: Screen | None = None

    def feed(self, data: bytes) -> None:
        if self.screen is not None:
            self.screen.feed(data)
        super().feed(data)
        # A prompt is no line, and somebody may wait for it.
        self._timeline.pulse.beat()

    def finish(self) -> None:
        super().finish()
        self._timeline.pulse.beat()


class TerminalActor(ProcessActor):
    """The running half of a `terminal`."""

    kind = Kind.TERMINAL

    def __init__(self, model: Terminal, world: World) -> None:
        super().__init__(model, world)
        size = model.size
        self._pty = Pty(size.rows, size.columns, echo=model.echo)
        self._display = _Display(model.name, world)
        self.output = self._display
        self._unsent = bytearray()
        self.is_broken = False
        """Whether something could not be typed, for no program has the terminal open any more."""
        self._is_hung_up = False

    @property
    def screen(self) -> Screen:
        """What the last run shows. Raises StepErroredError before there was one."""
        if self._display.screen is None:
            raise StepErroredError(f"{self.name} has not been started")
        self._display.screen.is_over = self._is_left
        return self._display.screen

    @property
    def untyped(self) -> int:
        """Bytes that the kernel has not taken yet."""
        return len(self._unsent)

    def published(self, name: str) -> object:
        """`tty`, the path of its terminal; and what a process publishes."""
        if name != "tty":
            return super().published(name)
        if self._descriptor is None:
            raise UnpublishedError(f"{self.name} has no terminal now")
        return name_of(self._descriptor)

    def launch(self) -> None:
        """Start it. Raises StepErroredError when it runs already or cannot be started."""
        super().launch()
        assert self._descriptor is not None
        # Nothing has been read yet: that happens in a later turn of the loop.
        self._display.screen = Screen(self._descriptor)
        self._unsent.clear()
        self.is_broken = False
        self._is_hung_up = False

    def type(self, text: str) -> int:
        """Type a text, now or as the kernel takes it; gives the moment of doing so."""
        moment = self.world.timeline.record(self.name, What.SENT, show_text(text, limit=_SHOWN))
        if self._descriptor is None or self._is_left:
            self.is_broken = True
            return moment
        is_first = not self._unsent
        self._unsent += text.encode()
        if is_first:
            self._flush(self._descriptor)
        return moment

    def resize(self, rows: int, columns: int) -> None:
        """Give its window another size. Raises UnpublishedError when it has none any more."""
        if self._descriptor is None:
            raise UnpublishedError(f"{self.name} has no terminal now")
        self.world.timeline.record(self.name, What.NOTE, f"a window of {rows} rows and {columns} columns")
        set_window(self._descriptor, rows, columns)

    def hang_up(self) -> None:
        """Close the terminal; the kernel tells its session by HUP."""
        self._unsent.clear()
        self._is_hung_up = True
        self.world.timeline.record(self.name, What.CLOSED, "hung up")
        if self.program is not None:
            self.program.release()

    def is_good_end(self, ending: Ending, *, asked: int) -> bool:
        """As of a process; and by HUP, once it has been hung up."""
        return super().is_good_end(ending, asked=asked) or (self._is_hung_up and ending in _HANG_UP)

    @property
    def _descriptor(self) -> int | None:
        return None if self.program is None else self.program.descriptor

    @property
    def _is_left(self) -> bool:
        """Whether no program has the terminal open any more."""
        return self.program is None or self.program.is_mute

    def _command(self) -> Command:
        return replace(super()._command(), pty=self._pty)

    def _flush(self, descriptor: int) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._unsent:
                del self._unsent[: os.write(descriptor, self._unsent)]
        except BlockingIOError:
            loop.add_writer(descriptor, self._flush, descriptor)
            return
        except OSError:
            self._unsent.clear()
            self.is_broken = True
        loop.remove_writer(descriptor)
        self.world.timeline.pulse.beat()
