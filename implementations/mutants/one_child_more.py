"""Starts a child more than it was asked for. Breaks server.processes, daemon.tree."""

import sys

from riser.children import Children
from riser.core.record import replace
from riser.testee.__main__ import main

init = Children.__init__


def init_with_more(children, config, *arguments, **rest):
    """Add one."""
    init(children, replace(config, process_num=config.process_num + 1), *arguments, **rest)


Children.__init__ = init_with_more

sys.exit(main(sys.argv[1:]))
