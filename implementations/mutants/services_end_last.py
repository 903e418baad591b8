"""Lets services live until the server has ended. Breaks service.lifecycle."""

import sys

from riser.services.services import Services
from riser.testee.__main__ import main

Services.stop_server = Services.stop_client

sys.exit(main(sys.argv[1:]))
