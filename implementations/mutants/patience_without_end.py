"""Waits for its clients however long a graceful stop may take. Breaks stop.timeout."""

import sys

from riser.core import starts
from riser.core.generations import Patience
from riser.loop import Loop
from riser.testee.__main__ import main

make_loop = Loop.__init__


def without_limit(self, inbox, *, stop_timeout_seconds):
    """Have all the time in the world."""
    del stop_timeout_seconds
    make_loop(self, inbox, stop_timeout_seconds=None)


Loop.__init__ = without_limit
starts.full_patience = lambda _state: Patience(graceful=None, forced=starts.FORCED_SECONDS)

sys.exit(main(sys.argv[1:]))
