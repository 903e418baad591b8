"""Waits for an answer as long as it takes. Breaks service.timeout."""

import sys

from riser.services import slot
from riser.testee.__main__ import main

slot.limit_of = lambda _seconds: None

sys.exit(main(sys.argv[1:]))
