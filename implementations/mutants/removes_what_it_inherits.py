"""Removes the file of a socket that it has inherited. Breaks activation.listen_fds."""

import os
import socket
import sys

from riser.listener import Listener
from riser.testee.__main__ import main


def own(listening: socket.socket) -> Listener:
    """Take a socket for one's own."""
    path = listening.getsockname()
    if not isinstance(path, str):
        return Listener(listening, bound=None)
    status = os.stat(path)  # noqa: PTH116 - as riser does it
    return Listener(listening, bound=(path, status.st_dev, status.st_ino))


Listener.adopt = own  # type: ignore[method-assign,assignment]  # a mutant patches
sys.exit(main(sys.argv[1:]))
