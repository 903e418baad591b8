"""Does not see what has been read already. Breaks poll.buffered."""

import sys

from riser.poll import ReadPoll
from riser.testee.__main__ import main

ReadPoll._has_data = lambda _poll: False

sys.exit(main(sys.argv[1:]))
