"""Does not start where a dead process has left its socket. Breaks address.unix.stale."""

import sys

from riser import listener
from riser.errors import ListenError
from riser.testee.__main__ import main


def complain(address):
    """Take any file for a server that lives."""
    raise ListenError(str(address), "the address is in use")


listener._remove_stale = complain

sys.exit(main(sys.argv[1:]))
