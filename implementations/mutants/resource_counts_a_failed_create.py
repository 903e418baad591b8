"""Counts a user whose object could not be made. Breaks resource.create.error."""

import sys
from functools import partial

from riser import resource
from riser.handle import make_handle
from riser.testee.__main__ import main


def acquire(resources, key):
    """Count first, and never take that back."""
    entry = resources._claim(key)
    with entry.lock:
        entry.count += 1
        if entry.count == 1:
            entry.thing = resource._work(entry, partial(resources._create, key))
    give_back = partial(resources._give_back, key, entry)
    return make_handle(entry.thing, key, give_back=give_back, release_names=resources._release_names)


resource.ResourceSet._acquire = acquire

sys.exit(main(sys.argv[1:]))
