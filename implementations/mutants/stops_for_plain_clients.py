"""Stops the server when a client breaks TLS. Breaks tls.plain."""

import sys

from riser import worker
from riser.testee.__main__ import main

worker.is_the_connections_own = lambda _error: False  # a mutant patches
sys.exit(main(sys.argv[1:]))
