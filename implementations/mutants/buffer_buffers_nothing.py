"""Sends each write at once. Breaks stream.buffer."""

import sys

from riser.stream import WriteBufferStream
from riser.testee.__main__ import main

write = WriteBufferStream.write


def write_through(stream, message):
    """Wait for nothing."""
    count = write(stream, message)
    stream.flush()
    return count


WriteBufferStream.write = write_through

sys.exit(main(sys.argv[1:]))
