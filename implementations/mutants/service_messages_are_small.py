"""Refuses messages of more than 16 MiB. Breaks service.large."""

import sys

from riser.services.services import Services
from riser.testee.__main__ import main

init = Services.__init__
Services.__init__ = lambda services, process_num=0: init(services, process_num, message_limit_bytes=16 << 20)

sys.exit(main(sys.argv[1:]))
