"""Does not say why its setup has failed. Breaks daemon.fail.server, restart.fail."""

import sys

from riser import serverprocess
from riser.testee.__main__ import main

serverprocess.explain = lambda _error: "something went wrong"

sys.exit(main(sys.argv[1:]))
