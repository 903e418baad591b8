"""Keeps an object that could not be destroyed. Breaks resource.destroy.error."""

import sys
from functools import partial

from riser import resource
from riser.testee.__main__ import main


def give_back(resources, key, entry):
    """Destroy first, and release if that went well."""
    with entry.lock:
        if entry.count == 1:
            resource._work(entry, partial(resources._destroy, entry.thing))
            entry.thing = None
        entry.count -= 1
    resources._give_up(key, entry)


resource.ResourceSet._give_back = give_back

sys.exit(main(sys.argv[1:]))
