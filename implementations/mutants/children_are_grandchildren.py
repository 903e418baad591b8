"""Puts a process between the server and each child. Breaks daemon.tree, server.processes."""

import sys

from riser import children
from riser.testee.__main__ import main

spawn = children.spawn


def spawn_twice(body, **rest):
    """Let a child start the child, and wait for it."""

    def stand_between(_inbox):
        status = spawn(body, **rest).reap(block=True)
        return status.code or 0

    return spawn(stand_between, **rest)


children.spawn = spawn_twice

sys.exit(main(sys.argv[1:]))
