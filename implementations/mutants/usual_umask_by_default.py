"""Has the umask 022 by default. Breaks daemon.defaults, daemon.umask."""

import sys

from riser.core.config import DaemonConfig
from riser.testee.__main__ import main

init = DaemonConfig.__init__
DaemonConfig.__init__ = lambda config, **given: init(config, **{"daemon_umask": 0o022, **given})

sys.exit(main(sys.argv[1:]))
