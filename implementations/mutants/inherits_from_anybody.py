"""Takes sockets that another process was to inherit. Breaks activation.listen_fds."""

import os
import sys

from riser.testee.__main__ import main

if "LISTEN_PID" in os.environ:
    os.environ["LISTEN_PID"] = str(os.getpid())
sys.exit(main(sys.argv[1:]))
