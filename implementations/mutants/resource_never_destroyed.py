"""Forgets an object that nobody uses without destroying it. Breaks resource.first.last and resource.set.keys."""

import sys

from riser.testee import pools
from riser.testee.__main__ import main

pools._ender = lambda _happen: lambda _shared: None

sys.exit(main(sys.argv[1:]))
