"""Gives the caller a stand-in for each exception of a service. Breaks service.exception."""

import sys

from riser.services import session
from riser.services.errors import RemoteError
from riser.testee.__main__ import main

fault_of = session.fault_of
session.fault_of = lambda error, courier, **more: fault_of(  # type: ignore[assignment]  # a mutant patches
    RemoteError(type(error).__name__, str(error)), courier, **more
)

sys.exit(main(sys.argv[1:]))
