"""Keeps the standard streams of the command that started it. Breaks daemon.background."""

import sys

from riser import daemon
from riser.testee.__main__ import main

daemon._let_go_of_streams = lambda: None

sys.exit(main(sys.argv[1:]))
