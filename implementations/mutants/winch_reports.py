"""Reports once more when statistics are stopped. Breaks stat.stop."""

import sys

from riser.core.operation import Operation
from riser.testee.__main__ import main
from riser.worker import Threads

report = Threads.report


def report_always(threads, operation):
    """Report first."""
    if operation is Operation.STAT_STOP:
        report(threads, Operation.STAT_GET_NO_RESET)
    report(threads, operation)


Threads.report = report_always

sys.exit(main(sys.argv[1:]))
