"""Does not pass its key to a sticky service. Breaks service.call."""

import sys

from riser.core.routing import StickyProcess
from riser.services.client import ClientBackend
from riser.testee.__main__ import main

call = ClientBackend.call


def call_without_key(backend, service, slot, arguments, named):
    """Route by it, and drop it."""
    return call(backend, service, slot, arguments[isinstance(service.route, StickyProcess) :], named)


ClientBackend.call = call_without_key

sys.exit(main(sys.argv[1:]))
