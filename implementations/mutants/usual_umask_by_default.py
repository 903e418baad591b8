"""Has the umask 022 by default. Breaks daemon.defaults, daemon.umask."""

import sys

from riser.core.config import DaemonConfig
from riser.testee.__main__ import main

DaemonConfig.__init__.__kwdefaults__["daemon_umask"] = 0o022

sys.exit(main(sys.argv[1:]))
