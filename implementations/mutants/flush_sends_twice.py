"""Sends again what it has sent. Breaks stream.buffer."""

import sys

from riser.stream import WriteBufferStream
from riser.testee.__main__ import main

flush = WriteBufferStream.flush


def flush_twice(stream):
    """Make sure."""
    collected = bytes(stream._buffer)
    flush(stream)
    stream._buffer += collected
    flush(stream)


WriteBufferStream.flush = flush_twice

sys.exit(main(sys.argv[1:]))
