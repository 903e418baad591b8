"""Dies of a signal whose action was disabled. Breaks daemon.signals.custom."""

import sys

from riser import daemon
from riser.testee.__main__ import main

daemon._disabled_signals = lambda _config: set()

sys.exit(main(sys.argv[1:]))
