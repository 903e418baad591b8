"""Has a place more in its queues than it was asked for. Breaks server.backpressure."""

import sys

from riser.children import Children
from riser.core.record import replace
from riser.testee.__main__ import main
from riser.worker import Threads


def give_more(kind):
    """Add one to both queues."""
    init = kind.__init__

    def init_with_more(crew, config, *arguments, **rest):
        sizes = {"thread_queue_size": config.thread_queue_size + 1, "process_queue_size": config.process_queue_size + 1}
        init(crew, replace(config, **sizes), *arguments, **rest)

    kind.__init__ = init_with_more


give_more(Children)
give_more(Threads)

sys.exit(main(sys.argv[1:]))
