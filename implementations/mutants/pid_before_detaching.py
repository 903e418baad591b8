"""Writes the pid of the command that starts it. Breaks status.content."""

import os
import sys

from riser.statusfile import StatusFile
from riser.testee.__main__ import main

launcher = os.getpid()
write = StatusFile.write
StatusFile.write = lambda file, _pid: write(file, launcher)

sys.exit(main(sys.argv[1:]))
