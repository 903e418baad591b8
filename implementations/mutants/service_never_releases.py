"""Keeps for ever what a client has dropped. Breaks service.reference.life."""

import sys

from riser.services.exports import Exports
from riser.testee.__main__ import main

Exports.release = lambda *_: None  # type: ignore[method-assign, assignment]  # a mutant patches

sys.exit(main(sys.argv[1:]))
