"""Leaves the foreground, whatever it was told. Breaks daemon.foreground."""

import sys

from riser.testee import __main__ as testee
from riser.testee.__main__ import main

start = testee.start_daemon
testee.start_daemon = lambda setup, **parameters: start(setup, **{**parameters, "daemonize": True})

sys.exit(main(sys.argv[1:]))
