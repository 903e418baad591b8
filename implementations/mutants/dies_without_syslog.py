"""Ends when there is no syslog to talk to. Breaks daemon.log.down."""

import os
import socket
import sys
import syslog

from riser.testee.__main__ import main

say = syslog.syslog


def say_or_die(*words):
    """See first that somebody hears it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as there:
        try:
            there.connect("/dev/log")
        except OSError:
            os._exit(1)
    say(*words)


syslog.syslog = say_or_die

sys.exit(main(sys.argv[1:]))
