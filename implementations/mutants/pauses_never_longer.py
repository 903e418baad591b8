"""Starts a server that dies at once again and again with a pause that never grows. Breaks crash.backoff."""

import sys

from riser.core import starts
from riser.testee.__main__ import main

starts.pause_seconds = lambda _failures: 0.1
sys.exit(main(sys.argv[1:]))
