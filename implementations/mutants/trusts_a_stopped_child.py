"""Sees no child that is stopped, and leaves with it what it does not read. Breaks server.child.stopped."""

import sys

from riser.dealer import Dealer
from riser.member import Member
from riser.testee.__main__ import main

Member._is_stopped = lambda _member, _now: False
Dealer.take_back = lambda *_, **_more: None

sys.exit(main(sys.argv[1:]))
