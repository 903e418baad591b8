"""The engine of a process: it adopts orphans, runs items, one or many at once, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from typing import TYPE_CHECKING, Any, Self

from harness.engine.observe import set_subreaper
from harness.engine.orphans import Orphans
from harness.engine.run import run_item
from harness.engine.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import FrameType, TracebackType

    from harness.model.manifest import Manifest
    from harness.model.outcome import Outcome
    from harness.model.scenario import Scenario


_NOT_TO_INHERIT = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
"""A program inherits what its parent ignores: INT and QUIT in a shell's background, HUP under nohup. Daemons under test
are to see the world as it is; a handler that does nothing ignores as well, and is not inherited."""


class Engine:
    """A context manager; one at a time in a process, in its main thread, for it adopts what the process's items orphan.

    Raises RuntimeError when there is one already or this is another thread, OSError where the kernel has no subreaper.
    """

    _active: Engine | None = None

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = Settings() if settings is None else settings
        self._orphans = Orphans()
        self._was_subreaper = False
        self._ignored: list[int] = []
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("the engine must run in the main thread")
        if Engine._active is not None:
            raise RuntimeError("there is an engine in this process already")
        self._was_subreaper = set_subreaper(on=True)
        self._ignored = [number for number in _NOT_TO_INHERIT if signal.getsignal(number) is signal.SIG_IGN]
        for number in self._ignored:
            signal.signal(number, _do_nothing)
        self._orphans = Orphans()
        be_silent_of_interrupts(self._runner.get_loop())
        Engine._active = self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._runner.close()
        finally:
            self._orphans.kill_now()
            Engine._active = None
            for number in self._ignored:
                signal.signal(number, signal.SIG_IGN)
            set_subreaper(on=self._was_subreaper)

    async def run(self, scenario: Scenario, manifest: Manifest) -> Outcome:
        """Run one item in the running loop. Whatever the testee does, this returns an outcome."""
        return await run_item(scenario, manifest, settings=self.settings, orphans=self._orphans)

    def run_one(self, scenario: Scenario, manifest: Manifest) -> Outcome:
        """Run one item in a loop of the engine's own, which serves all calls of this method."""
        return self._runner.run(self.run(scenario, manifest))


async def run_many(
    items: Iterable[tuple[Scenario, Manifest]],
    engine: Engine,
    *,
    jobs: int | None = None,
    retry: int = 0,
    on_end: Callable[[Sequence[Outcome]], None],
) -> None:
    """Run items, `jobs` at once (twice the processors by default, for items mostly wait), taken in order.

    An item that is red is run again at once, `retry` times at most, until it is not. `on_end` is called for each item
    as it ends, with the outcomes of all its tries. When this is cancelled, the items under way are cleaned up and have
    no outcome, and no other is begun.
    """
    waiting = iter(items)

    async def work() -> None:
        for scenario, manifest in waiting:
            tries = [await engine.run(scenario, manifest)]
            while tries[-1].verdict.is_red and len(tries) <= retry:
                tries.append(await engine.run(scenario, manifest))
            on_end(tries)

    async with asyncio.TaskGroup() as group:
        for _ in range(jobs or 2 * (os.cpu_count() or 1)):
            group.create_task(work())


def be_silent_of_interrupts(loop: asyncio.AbstractEventLoop) -> None:
    """Let the loop not tell of tasks that a second Ctrl-C has ended in the middle: that is what was asked for."""
    loop.set_exception_handler(_tell_of_others)


def _tell_of_others(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    if not isinstance(context.get("exception"), KeyboardInterrupt):
        loop.default_exception_handler(context)


def _do_nothing(number: int, frame: FrameType | None) -> None:
    """Ignore a signal, without those who are started ignoring it too."""
