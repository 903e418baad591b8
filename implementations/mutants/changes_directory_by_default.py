"""Goes to / unless it is told to stay. Breaks daemon.defaults, daemon.chdir."""

import sys

from riser.core.config import DaemonConfig
from riser.testee.__main__ import main

init = DaemonConfig.__init__
DaemonConfig.__init__ = lambda config, **given: init(config, **{"daemon_nochdir": False, **given})

sys.exit(main(sys.argv[1:]))
