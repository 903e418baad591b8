"""Lets servers hold the lock of the status file. Breaks daemon.death, status.lock."""

import sys

from riser.statusfile import StatusFile
from riser.testee.__main__ import main

StatusFile.close = lambda _file: None

sys.exit(main(sys.argv[1:]))
