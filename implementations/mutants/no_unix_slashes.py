"""Does not know `unix:///`. Breaks address.unix.text."""

import sys

from riser.core import address
from riser.errors import AddressError
from riser.testee.__main__ import main

parse_text = address._parse_text


def parse_short_text(text):
    """Take `unix:PATH` only."""
    if text.startswith("unix://"):
        raise AddressError("address", text, "unix:PATH")
    return parse_text(text)


address._parse_text = parse_short_text

sys.exit(main(sys.argv[1:]))
