"""Waits for a TLS handshake for as long as the client likes. Breaks tls.silent."""

import sys

from riser import tls
from riser.testee.__main__ import main

wrap = tls.Tls.wrap


def wrap_patiently(settings: tls.Tls, connection: "tls.socket") -> "tls.ssl.SSLSocket":
    """Shake hands, in an hour if need be."""
    settings.handshake_seconds = 3600
    return wrap(settings, connection)


tls.Tls.wrap = wrap_patiently  # type: ignore[method-assign]  # a mutant patches
sys.exit(main(sys.argv[1:]))
