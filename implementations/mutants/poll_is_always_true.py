"""Finds that there is something to read. Breaks poll.timeout."""

import sys

from riser.poll import ReadPoll
from riser.testee.__main__ import main

ReadPoll.poll = lambda _poll, _seconds: True

sys.exit(main(sys.argv[1:]))
