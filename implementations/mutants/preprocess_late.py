"""Calls preprocess when it serves already. Breaks callback.order.threads, callback.order.processes."""

import sys

from riser.callbacks import Callbacks
from riser.testee.__main__ import main
from riser.worker import Threads

begin = Threads.begin


def begin_first(threads, loop):
    """Call it with the first connection."""
    callbacks = threads._callbacks

    def first(connection):
        callbacks.dispatch(connection)
        callbacks.preprocess()

    threads._callbacks = Callbacks(
        dispatch=first, at_stop=callbacks.at_stop, at_stat=callbacks.at_stat, postprocess=callbacks.postprocess
    )
    begin(threads, loop)


Threads.begin = begin_first

sys.exit(main(sys.argv[1:]))
