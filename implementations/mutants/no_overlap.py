"""Tells the old server at once to stop, whatever the overlap. Breaks restart.overlap."""

import sys

from riser.core.config import DaemonConfig
from riser.testee.__main__ import main

check = DaemonConfig.__post_init__


def check_and_forget(config):
    """Forget it."""
    check(config)
    object.__setattr__(config, "server_restart_overlap_seconds", 0)


DaemonConfig.__post_init__ = check_and_forget

sys.exit(main(sys.argv[1:]))
