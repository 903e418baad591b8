"""Ends when its server has died. Breaks crash.restart."""

import sys

from riser.core import supervision
from riser.core.phases import Stopping
from riser.core.record import replace
from riser.core.starts import close
from riser.testee.__main__ import main


def end(state, serving, **_rest):
    """Give up."""
    return replace(state, phase=Stopping(1, "the server died")), close(serving.listening)


supervision._crash = end

sys.exit(main(sys.argv[1:]))
