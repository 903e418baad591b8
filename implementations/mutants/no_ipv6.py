"""Listens on IPv4 alone. Breaks server.transports."""

import sys

from riser import listener
from riser.errors import ListenError
from riser.testee.__main__ import main

open_tcp = listener._open_tcp


def open_ipv4(address):
    """Refuse what has colons."""
    if ":" in address.host:
        raise ListenError(str(address), "address family not supported")
    return open_tcp(address)


listener._open_tcp = open_ipv4

sys.exit(main(sys.argv[1:]))
