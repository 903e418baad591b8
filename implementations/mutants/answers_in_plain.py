"""Reads its certificate and serves in plain. Breaks tls.echo."""

import contextlib
import sys

from riser.testee.__main__ import main
from riser.tls import Tls

Tls.serving = lambda _tls, connection: contextlib.nullcontext(connection)

sys.exit(main(sys.argv[1:]))
