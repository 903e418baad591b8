"""Goes to / unless it is told to stay. Breaks daemon.defaults, daemon.chdir."""

import sys

from riser.core.config import DaemonConfig
from riser.testee.__main__ import main

DaemonConfig.__init__.__kwdefaults__["daemon_nochdir"] = False

sys.exit(main(sys.argv[1:]))
