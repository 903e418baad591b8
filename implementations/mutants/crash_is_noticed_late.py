"""Takes two seconds to start another server. Breaks crash.restart."""

import sys

from riser.core import starts
from riser.testee.__main__ import main

starts.pause_seconds = lambda _failures: 2.0

sys.exit(main(sys.argv[1:]))
