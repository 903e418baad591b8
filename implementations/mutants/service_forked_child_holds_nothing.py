"""Lets a forked process forget the references of its parent. Breaks service.fork."""

import sys

from riser.services.slot import Slot
from riser.testee.__main__ import main

Slot.fork = lambda _slot, _client: None

sys.exit(main(sys.argv[1:]))
