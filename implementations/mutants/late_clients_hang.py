"""Keeps its socket open during a graceful stop. Breaks stop.graceful.refuse."""

import sys

from riser.acceptor import Gate, _State
from riser.testee.__main__ import main

Gate.stop = lambda gate, _state: gate._change(_State.SHUT)

sys.exit(main(sys.argv[1:]))
