"""Leaves its socket file behind. Breaks address.unix.foreign, restart.address.move."""

import sys

from riser.listener import Listener
from riser.testee.__main__ import main

Listener.remove = lambda _listener: False

sys.exit(main(sys.argv[1:]))
