"""Makes an object without holding its key's lock. Breaks resource.first.last and resource.set.keys."""

import contextlib
import sys

from riser import resource
from riser.testee.__main__ import main

init = resource._Entry.__init__


def init_without_lock(entry: object) -> None:
    """Have a lock that locks nothing."""
    init(entry)  # type: ignore[arg-type]  # an entry
    entry.lock = contextlib.nullcontext()  # type: ignore[attr-defined]  # an entry


resource._Entry.__init__ = init_without_lock  # type: ignore[method-assign, assignment]  # a mutant patches

sys.exit(main(sys.argv[1:]))
