"""Wants numbers for a socket's owner and group. Breaks address.unix.map."""

import sys

from riser.core import address
from riser.errors import AddressError
from riser.testee.__main__ import main

principal = address._principal


def principal_number(name, value):
    """Take no names."""
    if isinstance(value, str):
        raise AddressError(name, value, "a number")
    return principal(name, value)


address._principal = principal_number

sys.exit(main(sys.argv[1:]))
