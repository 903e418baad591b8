"""Hears no stop while a server starts. Breaks daemon.fail.hang, stop.early."""

import sys

from riser.core import supervision
from riser.core.phases import Starting
from riser.testee.__main__ import main

stop = supervision._stop


def stop_unless_starting(state, told, *, now):
    """Wait for the server first, however long that takes."""
    return (state, ()) if isinstance(state.phase, Starting) else stop(state, told, now=now)


supervision._stop = stop_unless_starting

sys.exit(main(sys.argv[1:]))
