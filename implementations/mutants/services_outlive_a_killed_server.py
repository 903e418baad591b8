"""Goes on with its services when their server is killed. Breaks service.orphan."""

import os
import select
import signal
import sys

from riser.services.keeper import Keeper
from riser.testee.__main__ import main

run, end = Keeper.run, Keeper._end
servers = []


def run_and_watch(keeper, *arguments):
    """Have the server in sight."""
    servers.append(os.pidfd_open(os.getppid()))
    return run(keeper, *arguments)


def end_if_told(keeper):
    """A server that stops its services waits for them, and is still there; one that is not was killed."""
    poll = select.poll()
    poll.register(servers[0], select.POLLIN)
    if poll.poll(500):
        signal.pause()
    end(keeper)


Keeper.run, Keeper._end = run_and_watch, end_if_told

sys.exit(main(sys.argv[1:]))
