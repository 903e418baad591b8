"""Copies what is to stay in its process. Breaks service.reference."""

import sys

from riser.services import session
from riser.services.travel import Travel
from riser.testee.__main__ import main

session.travel_of = lambda _kind: Travel.VALUE

sys.exit(main(sys.argv[1:]))
