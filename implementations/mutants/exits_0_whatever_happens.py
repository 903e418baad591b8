"""Ends with status 0 also where it could not start. Breaks daemon.exit, daemon.fail.address, daemon.fail.server."""

import sys

from riser.testee import __main__ as testee
from riser.testee.__main__ import main

start = testee.start_daemon


def start_well(setup, **parameters):
    """Be content."""
    start(setup, **parameters)
    return 0


testee.start_daemon = start_well

sys.exit(main(sys.argv[1:]))
