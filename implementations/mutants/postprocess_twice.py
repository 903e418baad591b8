"""Runs postprocess twice. Breaks callback.once."""

import sys

from riser.callbacks import Callbacks
from riser.testee.__main__ import main

postprocessing = Callbacks.postprocessing


def postprocessing_twice(callbacks: Callbacks) -> None:
    """Run it, and run it again."""
    postprocessing(callbacks)
    postprocessing(callbacks)


Callbacks.postprocessing = postprocessing_twice  # type: ignore[method-assign]  # a mutant patches
sys.exit(main(sys.argv[1:]))
