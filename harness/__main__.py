"""`python -m harness`: the command line, for whoever has no `harness` on the path."""

import sys

from harness.cli import main

sys.exit(main())
