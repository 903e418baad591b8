"""Has a thread queue of 19 by default. Breaks server.attributes."""

import sys

from riser.core.config import ServerConfig
from riser.testee.__main__ import main

init = ServerConfig.__init__
ServerConfig.__init__ = lambda config, **given: init(config, **{"thread_queue_size": 19, **given})

sys.exit(main(sys.argv[1:]))
