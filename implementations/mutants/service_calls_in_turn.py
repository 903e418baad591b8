"""Carries out one call at a time in each service process. Breaks service.concurrent."""

import sys
import threading

from riser.services.session import Session
from riser.testee.__main__ import main

invoke = Session._invoke
turn = threading.RLock()


def invoke_in_turn(*call):
    """Wait for the call before."""
    with turn:
        return invoke(*call)


Session._invoke = invoke_in_turn

sys.exit(main(sys.argv[1:]))
