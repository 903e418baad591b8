"""Logs to syslog under a name of its own. Breaks daemon.log.syslog."""

import sys
import syslog

from riser.testee.__main__ import main

openlog = syslog.openlog
syslog.openlog = lambda _name, *rest: openlog("python", *rest)

sys.exit(main(sys.argv[1:]))
