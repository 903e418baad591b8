"""Takes any mode and any backlog of an address. Breaks address.invalid."""

import sys

from riser.core import address
from riser.testee.__main__ import main

address._mode = lambda _value: None
address._backlog = lambda _parts: None

sys.exit(main(sys.argv[1:]))
