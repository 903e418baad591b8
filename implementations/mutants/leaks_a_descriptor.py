"""Leaves a descriptor open at each start of a server. Breaks restart.leak."""

import os
import sys

from riser.supervisor import Supervisor
from riser.testee.__main__ import main

start = Supervisor._start


def start_and_leak(supervisor, number, listener):
    """Open one more."""
    os.open(os.devnull, os.O_RDONLY)
    return start(supervisor, number, listener)


Supervisor._start = start_and_leak

sys.exit(main(sys.argv[1:]))
