"""Does not start where it cannot set an option of its socket. Breaks address.options."""

import logging
import sys

from riser import listener
from riser.errors import ListenError
from riser.testee.__main__ import main

tune = listener.Listener.tune


def tune_or_fail(own, address):
    """Take a warning for the end."""
    for level, text in tune(own, address):
        if level == logging.WARNING:
            raise ListenError(str(address), text)
        yield level, text


listener.Listener.tune = tune_or_fail

sys.exit(main(sys.argv[1:]))
