"""Has three threads by default. Breaks server.attributes."""

import sys

from riser.core.config import ServerConfig
from riser.testee.__main__ import main

ServerConfig.__init__.__kwdefaults__["thread_num"] = 3

sys.exit(main(sys.argv[1:]))
