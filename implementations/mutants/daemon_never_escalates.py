"""As a daemon, tells a server one stop only. Breaks stop.escalate."""

import sys

from riser.core import supervision
from riser.testee.__main__ import main

supervision.insist = lambda retired, _told, **_rest: (tuple(retired), ())

sys.exit(main(sys.argv[1:]))
