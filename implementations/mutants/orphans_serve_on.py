"""Does not mind that the process above it has died. Breaks server.parent.death, daemon.death."""

import sys

from riser.loop import Loop
from riser.testee.__main__ import main

Loop.orphaned = lambda _loop: None

sys.exit(main(sys.argv[1:]))
