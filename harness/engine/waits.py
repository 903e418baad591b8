"""Waiting: for one thing, with a limit, and never for something that can no longer come.

`until` looks again whenever anything happens in the item. It ends at once when its subject is dead, and says in its
failure what was waited for and how long.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from harness.engine.verdicts import StepFailedError
from harness.model.values import Duration

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.engine.timeline import Pulse

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limit:
    """A time limit: `asked` seconds as the scenario or the verb's default has it, stretched by the run's `scale`.

    `stalled` are seconds in which the engine itself stood still, which come on top.
    """

    asked: float
    scale: float = 1.0
    stalled: float = 0.0

    @property
    def seconds(self) -> float:
        """How long is really waited."""
        return self.asked * self.scale + self.stalled

    def __str__(self) -> str:
        scale = "" if self.scale == 1 else f", time scale {self.scale:g}"
        stalled = f", the engine stood still for {Duration(self.stalled)}" if self.stalled else ""
        more = f" ({Duration(self.asked)} asked{scale}{stalled})" if scale or stalled else ""
        return f"{Duration(self.seconds)}{more}"


async def until(
    pulse: Pulse,
    probe: Callable[[], T | None],
    *,
    limit: Limit,
    waited_for: str,
    dead: Callable[[], str | None] = lambda: None,
    so_far: Callable[[], str | None] = lambda: None,
    every: float | None = None,
) -> T:
    """The first answer of `probe` that is not None; it is asked at once, and again at every beat.

    `waited_for` completes "no ... within 5s" ("line from c", "preprocess event of d"). `dead` says in a sentence that
    the subject can no longer do it; it is asked only after the probe, so what was done before the death counts.
    `so_far` adds to the failure what there was instead. `every` asks the probe also each so many seconds, for what the
    kernel announces to nobody.

    Raises StepFailedError when the limit is reached or the subject is dead, and whatever `Pulse.stop` was given.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + limit.seconds
    while True:
        # The answer counts before everything else, so a loaded machine that wakes late does not lose it.
        if (answer := probe()) is not None:
            return answer
        pulse.check()
        if (death := dead()) is not None:
            raise StepFailedError(f"no {waited_for}: {death}")
        remaining = deadline - clock()
        if remaining <= 0:
            instead = so_far()
            raise StepFailedError(f"no {waited_for} within {limit}" + (f": {instead}" if instead else ""))
        await asyncio.wait((pulse.next(),), timeout=remaining if every is None else min(remaining, every))
