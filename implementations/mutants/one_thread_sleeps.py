"""Leaves one of its idle threads asleep. Breaks server.threads, server.wakeup."""

import sys
import threading

from riser.testee.__main__ import main
from riser.worker import Threads

work = Threads._work


def work_unless_first(threads, number):
    """Let the first one sleep where there are others."""
    if number == 0 and threads._config.thread_num > 1:
        threading.Event().wait()
    work(threads, number)


Threads._work = work_unless_first

sys.exit(main(sys.argv[1:]))
