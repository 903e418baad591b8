"""Becomes graceful again when it is told so. Breaks stop.no.relax."""

import sys

from riser import loop
from riser.core.operation import Operation, StopState, escalate
from riser.testee.__main__ import main


def follow(state, operation):
    """Do what was said last."""
    return StopState.GRACEFUL if operation is Operation.STOP_GRACEFUL else escalate(state, operation)


loop.escalate = follow

sys.exit(main(sys.argv[1:]))
