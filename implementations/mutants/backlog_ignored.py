"""Says that it has set the backlog, and has not. Breaks address.options."""

import socket
import sys

from riser import listener
from riser.testee.__main__ import main

listen = socket.socket.listen


def listen_always_the_same(sock, _backlog=0):
    """Take the backlog that is usual."""
    listen(sock, listener.BACKLOG)


socket.socket.listen = listen_always_the_same

sys.exit(main(sys.argv[1:]))
