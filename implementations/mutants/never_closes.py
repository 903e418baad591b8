"""Does not close a connection when dispatch has returned. Breaks server.dispatch.close."""

import sys

from riser.connection import Connection
from riser.testee.__main__ import main

kept = []
Connection.close_for_good = lambda connection: kept.append(connection.detach())

sys.exit(main(sys.argv[1:]))
