"""Sets each new server up as the first one. Breaks restart.setup."""

import functools
import sys

from riser.testee import __main__ as testee
from riser.testee.__main__ import main

testee.read_config = functools.cache(testee.read_config)

sys.exit(main(sys.argv[1:]))
