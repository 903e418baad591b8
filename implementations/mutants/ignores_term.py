"""Ignores TERM, as a daemon and as a server. Breaks stop.graceful."""

import signal
import sys

from riser.signals import SignalInbox
from riser.testee.__main__ import main

enter = SignalInbox.__enter__


def enter_deaf(inbox: SignalInbox) -> SignalInbox:
    """Hear everything but TERM."""
    inbox.operations.pop(signal.SIGTERM, None)
    return enter(inbox)


SignalInbox.__enter__ = enter_deaf  # type: ignore[method-assign]  # a mutant patches
signal.signal(signal.SIGTERM, signal.SIG_IGN)
sys.exit(main(sys.argv[1:]))
