"""Asks for no client certificate where one is required. Breaks tls.mutual."""

import sys

from riser import tls
from riser.testee.__main__ import main

tls.Tls._verify_clients = lambda _tls, _context, _client_ca: None  # type: ignore[method-assign]
sys.exit(main(sys.argv[1:]))
