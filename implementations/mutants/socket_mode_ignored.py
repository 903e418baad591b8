"""Leaves the mode of its socket as it comes. Breaks address.options."""

import logging
import sys

from riser import listener
from riser.testee.__main__ import main

listener._set_mode = lambda _address: (logging.INFO, "unix domain server socket mode is not changed.")
listener._mode_at_first = lambda _address: 0o700

sys.exit(main(sys.argv[1:]))
