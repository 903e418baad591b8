"""Uses a reference in whatever process is there now. Breaks service.stale."""

import sys

from riser.services.slot import Slot
from riser.testee.__main__ import main

Slot._check = lambda _slot, _link, _incarnation: None  # type: ignore[method-assign]  # a mutant patches

sys.exit(main(sys.argv[1:]))
