"""Gives up the daemon's privileges as well. Breaks privilege.drop."""

import sys

from riser import daemon, privilege
from riser.testee.__main__ import main

supervise = daemon._supervise


def supervise_as_somebody(prepared, inbox, **rest):
    """Become somebody first."""
    if prepared.identity is not None:
        privilege.become(prepared.identity)
    return supervise(prepared, inbox, **rest)


daemon._supervise = supervise_as_somebody

sys.exit(main(sys.argv[1:]))
