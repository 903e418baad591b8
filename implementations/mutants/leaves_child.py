"""Leaves a process behind, in a session of its own. Breaks no clause: what is left behind is a verdict of its own."""

import subprocess
import sys

from riser.testee.__main__ import main

subprocess.Popen(["sleep", "600"], start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
sys.exit(main(sys.argv[1:]))
