"""Stays graceful when it was graceful once. Breaks stop.escalate."""

import sys

from riser import loop
from riser.core.operation import StopState, escalate
from riser.testee.__main__ import main

loop.escalate = lambda state, operation: escalate(state, operation) if state is StopState.NONE else state

sys.exit(main(sys.argv[1:]))
