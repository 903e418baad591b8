"""Does not apply new options at a restart. Breaks restart.address.options."""

import sys

from riser.core import starts, supervision
from riser.testee.__main__ import main

keep = starts.keep_socket
starts.keep_socket = supervision.keep_socket = lambda new, old: keep(new, old) if new.number != old.number else ()

sys.exit(main(sys.argv[1:]))
