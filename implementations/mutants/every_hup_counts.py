"""Restarts once for each of many requests. Breaks restart.coalesce."""

import sys

from riser.core import supervision
from riser.core.operation import Operation
from riser.core.record import replace
from riser.testee.__main__ import main

asked = []
request, fulfil = supervision._request, supervision._fulfil


def remember(state, event):
    """Keep a list."""
    if event.operation is Operation.RESTART_GRACEFUL and state.restart is not None:
        asked.append(event.operation)
    return request(state, event)


def fulfil_all(state):
    """Work it off."""
    after, effects = fulfil(state)
    if asked and after.restart is None:
        after = replace(after, restart=asked.pop())
    return after, effects


supervision._request, supervision._fulfil = remember, fulfil_all

sys.exit(main(sys.argv[1:]))
