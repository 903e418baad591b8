"""Has a thread queue of 19 by default. Breaks server.attributes."""

import sys

from riser.core.config import ServerConfig
from riser.testee.__main__ import main

ServerConfig.__init__.__kwdefaults__["thread_queue_size"] = 19

sys.exit(main(sys.argv[1:]))
