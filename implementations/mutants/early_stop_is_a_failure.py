"""Ends with status 1 when it is stopped before it serves. Breaks stop.early."""

import sys

from riser.core import supervision
from riser.core.phases import Starting, Stopping
from riser.core.record import replace
from riser.testee.__main__ import main

stop = supervision._stop


def stop_early(state, told, *, now):
    """Blame somebody."""
    after, effects = stop(state, told, now=now)
    if isinstance(state.phase, Starting) and isinstance(after.phase, Stopping):
        after = replace(after, phase=replace(after.phase, status=1))
    return after, effects


supervision._stop = stop_early

sys.exit(main(sys.argv[1:]))
