"""Calls at_fork where nothing is forked. Breaks callback.order.threads."""

import sys

from riser.testee.__main__ import main
from riser.worker import Threads

begin = Threads.begin


def begin_as_child(threads, loop):
    """Call it."""
    threads._callbacks.at_fork()
    begin(threads, loop)


Threads.begin = begin_as_child

sys.exit(main(sys.argv[1:]))
