"""Asks for its address once. Breaks restart.address.move, restart.address.bad."""

import functools
import sys

from riser.supervisor import Supervisor
from riser.testee.__main__ import main

Supervisor._ask_address = functools.cache(Supervisor._ask_address)

sys.exit(main(sys.argv[1:]))
