"""Has three threads by default. Breaks server.attributes."""

import sys

from riser.core.config import ServerConfig
from riser.testee.__main__ import main

init = ServerConfig.__init__
ServerConfig.__init__ = lambda config, **given: init(config, **{"thread_num": 3, **given})

sys.exit(main(sys.argv[1:]))
