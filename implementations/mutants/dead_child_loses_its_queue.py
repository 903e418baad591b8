"""Drops what a dead child had not begun. Breaks server.child.death."""

import os
import sys

from riser.core.balance import Ledger
from riser.testee.__main__ import main

reclaim = Ledger.reclaim


def reclaim_nothing(ledger):
    """Close it all."""
    for connection in reclaim(ledger):
        os.close(connection)
    return []


Ledger.reclaim = reclaim_nothing

sys.exit(main(sys.argv[1:]))
