"""Has the fields of a report in the order of the alphabet. Breaks stat.fields."""

import sys

from riser.core.stats import QueueStats
from riser.testee.__main__ import main

report = QueueStats.report
QueueStats.report = lambda stats, **rest: dict(sorted(report(stats, **rest).items()))

sys.exit(main(sys.argv[1:]))
