"""Says 0 in the background before it is known whether it serves. Breaks daemon.ready."""

import sys

from riser import daemon
from riser.testee.__main__ import main


def wait_for_nothing(_config, pipe):
    """Hope for the best."""
    pipe.close()
    return 0


daemon._await_word = wait_for_nothing

sys.exit(main(sys.argv[1:]))
