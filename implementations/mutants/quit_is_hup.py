"""Takes a forced restart for a graceful one. Breaks restart.forced."""

import sys

from riser.core.operation import Operation
from riser.signals import SignalInbox
from riser.testee.__main__ import main

drain = SignalInbox.drain
SignalInbox.drain = lambda inbox: [
    Operation.RESTART_GRACEFUL if operation is Operation.RESTART_FORCED else operation for operation in drain(inbox)
]

sys.exit(main(sys.argv[1:]))
