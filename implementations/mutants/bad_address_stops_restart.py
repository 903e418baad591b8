"""Does not restart where the new address is bad. Breaks restart.address.bad."""

import sys

from riser.core import supervision
from riser.core.messages import Level, Log
from riser.core.phases import Serving
from riser.core.record import replace
from riser.testee.__main__ import main

stay = supervision.stay


def stay_as_it_is(state, phase, reason, *, now):
    """Complain, and leave it at that."""
    if isinstance(phase.ground, Serving):
        return replace(state, phase=phase.ground), (Log(Level.ERROR, reason),)
    return stay(state, phase, reason, now=now)


supervision.stay = stay_as_it_is

sys.exit(main(sys.argv[1:]))
