"""Keeps its supplementary groups. Breaks privilege.complete."""

import os
import sys

from riser import privilege
from riser.testee.__main__ import main

os.setgroups([4, 27]) if os.geteuid() == 0 else None
os.setgroups = lambda _groups: None
privilege._check = lambda _identity: None

sys.exit(main(sys.argv[1:]))
