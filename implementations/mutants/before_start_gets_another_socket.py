"""Gives before_start a socket of its own. Breaks callback.before_start.socket."""

import socket
import sys

from riser.core.record import replace
from riser.server import SocketServer
from riser.testee.__main__ import main

collect = SocketServer._collect_callbacks


def collect_astray(server):
    """Open one that nobody connects to."""
    callbacks = collect(server)

    def before_start(_listening):
        with socket.create_server(("127.0.0.1", 0)) as another:
            callbacks.before_start(another)

    return replace(callbacks, before_start=before_start)


SocketServer._collect_callbacks = collect_astray

sys.exit(main(sys.argv[1:]))
