"""Takes a peer's reset for a fault of dispatch. Breaks server.dispatch.peer."""

import sys

from riser import worker
from riser.testee.__main__ import main

worker.is_the_connections_own = lambda _error: False

sys.exit(main(sys.argv[1:]))
