"""Tells only its first child of a stop that becomes forced. Breaks stop.escalate."""

import itertools
import sys

from riser.children import Children
from riser.core.operation import StopState
from riser.testee.__main__ import main

stop = Children.stop


def stop_one(children, state):
    """Tell the first one."""
    living = children._living
    if state is StopState.FORCED and children._state is StopState.GRACEFUL:
        children._living = lambda: itertools.islice((slot.member for slot in children._slots[:1] if slot.member), 1)
    stop(children, state)
    children._living = living


Children.stop = stop_one

sys.exit(main(sys.argv[1:]))
