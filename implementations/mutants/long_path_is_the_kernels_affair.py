"""Lets the kernel complain of a path that is too long. Breaks address.unix.long."""

import sys

from riser.core import address
from riser.testee.__main__ import main

address.UNIX_PATH_BYTES = 100_000

sys.exit(main(sys.argv[1:]))
