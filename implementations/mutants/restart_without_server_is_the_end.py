"""Ends when a restart is asked for while no server runs. Breaks crash.signals.ignored."""

import sys

from riser.core import supervision
from riser.core.operation import Operation
from riser.core.phases import Pausing
from riser.testee.__main__ import main

request = supervision._request


def request_something_to_restart(state, event):
    """Be offended."""
    if isinstance(state.phase, Pausing) and event.operation is Operation.RESTART_GRACEFUL:
        sys.exit("there is no server")
    return request(state, event)


supervision._request = request_something_to_restart

sys.exit(main(sys.argv[1:]))
