"""Stays who it is. Breaks privilege.drop."""

import sys

from riser import privilege
from riser.testee.__main__ import main

privilege.become = lambda _identity: None

sys.exit(main(sys.argv[1:]))
