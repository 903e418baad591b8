"""Calls at_fork in the parent. Breaks callback.order.processes."""

import sys

from riser.children import Children
from riser.testee.__main__ import main

begin = Children.begin


def begin_loudly(children, loop):
    """Call it here."""
    children._callbacks.at_fork()
    begin(children, loop)


Children.begin = begin_loudly

sys.exit(main(sys.argv[1:]))
