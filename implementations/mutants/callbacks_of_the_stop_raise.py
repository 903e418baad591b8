"""Lets an exception of a callback end the stop. Breaks callback.raise."""

import sys

from riser import callbacks
from riser.testee.__main__ import main

callbacks._survive = lambda _name, call: call()

sys.exit(main(sys.argv[1:]))
