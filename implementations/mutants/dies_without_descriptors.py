"""Ends when there is no descriptor for a connection. Breaks server.accept.emfile."""

import sys

from riser import acceptor
from riser.testee.__main__ import main

acceptor._STARVED = frozenset()

sys.exit(main(sys.argv[1:]))
