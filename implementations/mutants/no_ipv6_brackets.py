"""Takes the brackets of an IPv6 host for a part of it. Breaks address.tcp.text."""

import re
import sys

from riser.core import address
from riser.testee.__main__ import main

address._TCP_TEXT = re.compile(r"(?:tcp://)?(?P<host>[^\[\]\s:/]*):(?P<port>\d*)/?")

sys.exit(main(sys.argv[1:]))
