"""Does not know `tcp://`. Breaks address.tcp.text."""

import re
import sys

from riser.core import address
from riser.testee.__main__ import main

address._TCP_TEXT = re.compile(r"(?P<host>\[[^\[\]\s]*\]|[^\[\]\s:/]*):(?P<port>\d*)")

sys.exit(main(sys.argv[1:]))
