"""Logs without the daemon's name. Breaks daemon.log.stdout."""

import sys

from riser import logs
from riser.testee.__main__ import main

logs._StandardOutput.__init__ = lambda handler, _name: (
    super(logs._StandardOutput, handler).__init__(),
    setattr(handler, "_name", "-"),
)

sys.exit(main(sys.argv[1:]))
