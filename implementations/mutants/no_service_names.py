"""Wants a number for a port. Breaks address.tcp.map."""

import sys

from riser.core import address
from riser.errors import AddressError
from riser.testee.__main__ import main

port = address._port


def port_number(value, *, service_port):
    """Take no names."""
    if isinstance(value, str):
        raise AddressError("port", value, "a number")
    return port(value, service_port=service_port)


address._port = port_number

sys.exit(main(sys.argv[1:]))
