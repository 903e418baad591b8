"""Starts a service process where none is asked for. Breaks service.local."""

import sys

from riser.services.services import Services
from riser.testee.__main__ import main

init = Services.__init__
Services.__init__ = lambda services, process_num=0, **more: init(services, max(process_num, 1), **more)

sys.exit(main(sys.argv[1:]))
