"""Reports the process queue alone. Breaks stat.get."""

import sys

from riser.children import Children
from riser.testee.__main__ import main

report = Children.report


def report_own(children, operation):
    """Have no children while it lasts."""
    living = children._living
    children._living = lambda: iter(())
    report(children, operation)
    children._living = living


Children.report = report_own

sys.exit(main(sys.argv[1:]))
