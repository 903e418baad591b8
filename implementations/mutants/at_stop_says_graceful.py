"""Tells at_stop graceful, whatever the stop is. Breaks callback.at_stop.state."""

import sys

from riser.callbacks import Callbacks
from riser.core.operation import StopState
from riser.testee.__main__ import main

stopping = Callbacks.stopping
Callbacks.stopping = lambda callbacks, _state: stopping(callbacks, StopState.GRACEFUL)

sys.exit(main(sys.argv[1:]))
