"""Takes a graceful restart for a forced one. Breaks restart.graceful."""

import sys

from riser.core.operation import Operation
from riser.signals import SignalInbox
from riser.testee.__main__ import main

drain = SignalInbox.drain


def drain_in_anger(inbox: SignalInbox) -> list[Operation]:
    """Hear every graceful restart as a forced one."""
    return [
        Operation.RESTART_FORCED if operation is Operation.RESTART_GRACEFUL else operation for operation in drain(inbox)
    ]


SignalInbox.drain = drain_in_anger  # type: ignore[method-assign]  # a mutant patches
sys.exit(main(sys.argv[1:]))
