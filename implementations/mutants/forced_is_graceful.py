"""Takes a forced stop for a graceful one. Breaks stop.forced."""

import sys

from riser import loop
from riser.core.operation import Operation, StopState, escalate
from riser.testee.__main__ import main


def escalate_softly(state, operation):
    """Know one stop."""
    soft = Operation.STOP_GRACEFUL if operation is Operation.STOP_FORCED else operation
    return escalate(state, soft) if state is StopState.NONE else state


loop.escalate = escalate_softly

sys.exit(main(sys.argv[1:]))
