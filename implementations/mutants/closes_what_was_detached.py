"""Closes a connection that dispatch has taken over. Breaks server.dispatch.close."""

import os
import sys

from riser.connection import Connection
from riser.testee.__main__ import main

close_for_good = Connection.close_for_good


def close_everything(connection):
    """Close what was detached as well."""
    close_for_good(connection)
    if connection._detached is not None:
        os.close(connection._detached[0])


Connection.close_for_good = close_everything

sys.exit(main(sys.argv[1:]))
