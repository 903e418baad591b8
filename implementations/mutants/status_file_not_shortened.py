"""Leaves what was in the status file behind its own text. Breaks status.stale."""

import os
import sys

from riser.statusfile import StatusFile
from riser.testee.__main__ import main


def write_over(self, text):
    """Write what there is to write, and be done."""
    os.pwrite(self.descriptor, text.encode("ascii"), 0)


StatusFile._replace = write_over

sys.exit(main(sys.argv[1:]))
