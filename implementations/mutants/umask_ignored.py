"""Keeps the umask that it was started with. Breaks daemon.umask."""

import os
import sys

from riser.testee.__main__ import main

umask = os.umask
umask(0o022)
os.umask = lambda _mask: 0o022

sys.exit(main(sys.argv[1:]))
