"""An engine whose cluster is this machine: service processes as engines start them, called over TCP, and no engine.

What is placed is in a thread of the connector, as it is in a worker of an engine, and ends with it.
"""

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from riser.services.engines import errand

from .clusters import ROOT


@dataclass(frozen=True, slots=True)
class HereEngine:
    """Places service processes on this machine."""

    extra: ClassVar[str] = "dask"

    def connect(self) -> "_Here":
        # The services of tests are defined in modules that tests are no installed part of.
        if str(ROOT) not in sys.path:
            sys.path.insert(0, str(ROOT))
        return _Here()


class _Here:
    host = "127.0.0.1"

    def place(self, slot: int, order: bytes, ended: Callable[[str], None]) -> None:
        del slot
        threading.Thread(target=lambda: ended(errand.run(order, self.host)), daemon=True).start()

    def close(self) -> None:
        """Nothing was opened."""
