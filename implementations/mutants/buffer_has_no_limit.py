"""Collects writes without a limit. Breaks stream.buffer."""

import sys

from riser.stream import WriteBufferStream
from riser.testee.__main__ import main


def collect(stream, message):
    """Collect."""
    stream._buffer += message
    return len(message)


WriteBufferStream.write = collect

sys.exit(main(sys.argv[1:]))
