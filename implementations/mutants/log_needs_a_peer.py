"""Cannot log a connection whose peer is gone. Breaks stream.log.gone."""

import sys

from riser import stream
from riser.testee.__main__ import main


def tag(logged):
    """Name the peer, whether there is one or not."""
    with stream._borrowed(logged.fileno()) as same:
        return f"[{logged.fileno()},{same.getpeername()}]"


stream.connection_tag = tag

sys.exit(main(sys.argv[1:]))
