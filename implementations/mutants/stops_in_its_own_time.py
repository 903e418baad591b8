"""Takes a second to notice that it should stop. Breaks stop.idle.fast."""

import sys
import time

from riser.callbacks import Callbacks
from riser.testee.__main__ import main

stopping = Callbacks.stopping


def stop_later(callbacks, state):
    """Poll, as it were."""
    time.sleep(1)
    stopping(callbacks, state)


Callbacks.stopping = stop_later

sys.exit(main(sys.argv[1:]))
