"""What a user may set for a whole run."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from harness.engine.world import World
    from harness.model.outcome import Failure
    from harness.model.steps import Step


class Spectator(Protocol):
    """Somebody who looks at an item between its steps, and may take time to."""

    async def before(self, step: Step, world: World) -> None:
        """The step is next. Those of a macro are shown one by one, those of a `parallel` are not: they run at once."""

    async def at_end(self, failure: Failure | None, world: World) -> None:
        """No step is left, or one has failed; next, everything is stopped."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How items are run, whatever they are.

    `time_scale` stretches every upper bound in time and no lower one; it is above 0, and 1 on a quiet machine. `keep`
    keeps the workspace of every item that did not pass. `root` is the directory that workspaces are made in: it should
    be short, for the path of a Unix socket is limited to 107 bytes. `spectator` is asked between steps.
    """

    time_scale: float = 1.0
    keep: bool = False
    spectator: Spectator | None = None
    root: Path = field(default_factory=lambda: Path(tempfile.gettempdir()))

    def __post_init__(self) -> None:
        if not self.time_scale > 0:
            raise ValueError(f"the time scale must be above 0, not {self.time_scale:g}")
