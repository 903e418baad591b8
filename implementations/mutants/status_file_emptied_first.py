"""Empties the status file before it writes its own text. Breaks status.atomic."""

import os
import sys

from riser.statusfile import StatusFile
from riser.testee.__main__ import main


def empty_and_write(self, text):
    """Begin with a clean sheet."""
    os.ftruncate(self.descriptor, 0)
    os.pwrite(self.descriptor, text.encode("ascii"), 0)


StatusFile._replace = empty_and_write

sys.exit(main(sys.argv[1:]))
