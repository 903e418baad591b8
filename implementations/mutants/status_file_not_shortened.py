"""Leaves what was in the status file behind its own text. Breaks status.stale."""

import os
import sys

from riser.testee.__main__ import main

os.ftruncate = lambda _descriptor, _length: None

sys.exit(main(sys.argv[1:]))
