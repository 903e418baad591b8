"""Does not start a third server after two that have died. Breaks crash.recovers, crash.backoff."""

import sys

from riser.core import starts
from riser.testee.__main__ import main

starts.pause_seconds = lambda failures: 0.0 if failures < 3 else 3600.0

sys.exit(main(sys.argv[1:]))
