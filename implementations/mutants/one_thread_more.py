"""Starts a thread more than it was asked for. Breaks server.threads."""

import sys

from riser.core.record import replace
from riser.testee.__main__ import main
from riser.worker import Threads

init = Threads.__init__


def init_with_more(threads, config, *arguments, **rest):
    """Add one."""
    init(threads, replace(config, thread_num=config.thread_num + 1), *arguments, **rest)


Threads.__init__ = init_with_more

sys.exit(main(sys.argv[1:]))
